package org.sparsercnn.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import net.razorvine.pickle.IObjectConstructor;
import org.sparsercnn.io.PickleValues.TensorValue;
import org.sparsercnn.io.RestrictedUnpickler.PyDict;
import org.sparsercnn.io.RestrictedUnpickler.Stateful;
import org.sparsercnn.io.RestrictedUnpickler.Token;

/** What the pickles of detectron2's and Detectron's model zoos ask for: NumPy arrays under its old and new module names. */
final class NumpyPickle {
    private NumpyPickle() {}

    /** The globals a pickle of arrays may name. */
    static Map<String, Object> globals() {
        Map<String, Object> globals = new HashMap<>();
        globals.put("collections OrderedDict", (IObjectConstructor) NumpyPickle::orderedDict);
        // MultiStepLR keeps its milestones in a Counter.
        globals.put("collections Counter", (IObjectConstructor) NumpyPickle::orderedDict);
        globals.put("_codecs encode", (IObjectConstructor) NumpyPickle::encode);
        globals.put("numpy ndarray", new Token("numpy.ndarray"));
        globals.put("numpy dtype", (IObjectConstructor) a -> new DtypeValue(PickleValues.text(PickleValues.argument(a, 0))));
        for (String core : new String[] {"numpy.core", "numpy._core"}) {
            globals.put(core + ".multiarray _reconstruct", (IObjectConstructor) _ -> new ArrayValue());
            globals.put(core + ".multiarray scalar", (IObjectConstructor) NumpyPickle::scalar);
            globals.put(core + ".numeric _frombuffer", (IObjectConstructor) NumpyPickle::fromBuffer);
        }
        return globals;
    }

    /** {@code OrderedDict()}, {@code OrderedDict([[k, v], …])} and {@code Counter({…})}. */
    private static Object orderedDict(Object[] arguments) {
        PyDict dict = new PyDict();
        if (arguments.length > 0) {
            if (arguments[0] instanceof Map<?, ?> map) {
                map.forEach(dict::put);
            } else {
                for (Object pair : PickleValues.tuple(arguments[0])) {
                    Object[] keyValue = PickleValues.tuple(pair);
                    dict.put(PickleValues.argument(keyValue, 0), PickleValues.argument(keyValue, 1));
                }
            }
        }
        return dict;
    }

    /** Protocol 2 has no bytes: Python 3 writes them as Latin-1 text and a call of {@code _codecs.encode}. */
    private static Object encode(Object[] arguments) {
        if (!"latin1".equals(PickleValues.argument(arguments, 1))) {
            throw new Malformed("damaged pickle: bytes in an encoding other than latin1");
        }
        return bytes(arguments[0]);
    }

    private static byte[] bytes(Object value) {
        return switch (value) {
            case byte[] b -> b;
            case String s when s.chars().allMatch(c -> c < 256) -> s.getBytes(StandardCharsets.ISO_8859_1);
            case null, default -> throw new Malformed("damaged pickle: an array's bytes were expected, not "
                    + PickleValues.kind(value));
        };
    }

    private static Object fromBuffer(Object[] a) {
        ArrayValue array = new ArrayValue();
        array.set(PickleValues.integers(PickleValues.argument(a, 2)), PickleValues.argument(a, 1),
                "F".equals(PickleValues.argument(a, 3)), PickleValues.argument(a, 0));
        return array;
    }

    private static Object scalar(Object[] a) {
        ArrayValue array = new ArrayValue();
        array.set(new long[0], PickleValues.argument(a, 0), false, PickleValues.argument(a, 1));
        return array;
    }

    /** {@code numpy.dtype('f4', False, True)}, whose state then says the byte order. */
    private static final class DtypeValue implements Stateful {
        private final Dtype dtype;
        private boolean bigEndian;

        DtypeValue(String code) {
            dtype = Dtype.ofNumpy(code);
        }

        @Override
        public void setState(Object state) {
            bigEndian = ">".equals(PickleValues.argument(PickleValues.tuple(state), 1));
        }
    }

    /** {@code numpy.ndarray}: empty when constructed, then given (version, shape, dtype, is Fortran order, bytes). */
    private static final class ArrayValue implements Stateful, TensorValue {
        private HostTensor tensor;

        @Override
        public void setState(Object state) {
            Object[] s = PickleValues.tuple(state);
            set(PickleValues.integers(PickleValues.argument(s, 1)), PickleValues.argument(s, 2),
                    Boolean.TRUE.equals(PickleValues.argument(s, 3)), PickleValues.argument(s, 4));
        }

        void set(long[] shape, Object dtype, boolean fortranOrder, Object data) {
            if (!(dtype instanceof DtypeValue type)) {
                throw new Malformed("damaged pickle: an array whose type is " + PickleValues.kind(dtype));
            }
            byte[] bytes = bytes(data);
            if (type.bigEndian) {
                bytes = swapped(bytes, type.dtype.bytes());
            }
            HostTensor read = new HostTensor(type.dtype, shape, MemorySegment.ofArray(bytes));
            tensor = fortranOrder && shape.length > 1 ? fromFortran(read) : read;
        }

        @Override
        public HostTensor tensor() {
            if (tensor == null) {
                throw new Malformed("damaged pickle: an array without contents");
            }
            return tensor;
        }
    }

    private static HostTensor fromFortran(HostTensor t) {
        long[] shape = t.shape();
        long[] strides = new long[shape.length];
        long next = 1;
        for (int d = 0; d < shape.length; d++) {
            strides[d] = next;
            next *= Math.max(1, shape[d]);
        }
        return new HostTensor(t.dtype(), shape, StridedView.copy(t.data(), t.dtype().bytes(), 0, shape, strides));
    }

    private static byte[] swapped(byte[] bytes, int width) {
        byte[] out = new byte[bytes.length];
        MemorySegment from = MemorySegment.ofArray(bytes);
        for (int i = 0; i < bytes.length; i++) {
            int place = i % width;
            out[i] = from.get(ValueLayout.JAVA_BYTE, (long) i - place + width - 1 - place);
        }
        return out;
    }
}
