package org.sparsercnn.io;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import net.razorvine.pickle.IObjectConstructor;
import org.sparsercnn.io.PickleValues.TensorValue;
import org.sparsercnn.io.RestrictedUnpickler.Token;

/**
 * What PyTorch's pickles ask for. A tensor is a view of a storage; storages lie outside the pickle and are filled in
 * afterwards, because the old format writes them behind it. Tensors sharing a storage share its memory.
 */
final class TorchPickle {
    /** Elements that views which cannot be slices may cost beyond the size of the file (stride 0 repeats them). */
    private static final long SPARE_BYTES = 64L << 20;

    /** One storage; {@code data} is null until the reader has found it. */
    static final class Storage {
        final String key;
        final Dtype dtype;
        final long elements;
        MemorySegment data;

        Storage(String key, Dtype dtype, long elements) {
            this.key = key;
            this.dtype = dtype;
            this.elements = elements;
        }
    }

    /** A part of a storage: all of it, but for the views that PyTorch before 0.4 wrote. */
    private record StorageView(Storage storage, long offset, long elements) {}

    private final Map<String, Storage> storages = new LinkedHashMap<>();
    private long copyBudget;

    TorchPickle(long fileBytes) {
        copyBudget = 4 * fileBytes + SPARE_BYTES;
    }

    /** Storages by key, in the order in which the pickle first names them. */
    Map<String, Storage> storages() {
        return storages;
    }

    Object read(SegmentInput in) {
        return new RestrictedUnpickler(globals(), this::storage).read(in);
    }

    private Map<String, Object> globals() {
        Map<String, Object> globals = new HashMap<>(NumpyPickle.globals());
        for (Dtype d : Dtype.values()) {
            globals.put("torch " + d.torchStorage(), d);
        }
        globals.put("torch._utils _rebuild_tensor", (IObjectConstructor) this::tensor);
        globals.put("torch._utils _rebuild_tensor_v2", (IObjectConstructor) this::tensor);
        globals.put("torch._utils _rebuild_parameter", (IObjectConstructor) a -> PickleValues.argument(a, 0));
        globals.put("torch Size", (IObjectConstructor) a -> PickleValues.tuple(PickleValues.argument(a, 0)));
        globals.put("torch device", (IObjectConstructor) a -> PickleValues.text(PickleValues.argument(a, 0)));
        for (String type : new String[] {"float64", "float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool"}) {
            globals.put("torch " + type, new Token("torch." + type));
        }
        return globals;
    }

    /** {@code ('storage', torch.FloatStorage, key, location, elements[, view])}; a view is (key, offset, elements). */
    private Object storage(Object[] id) {
        if (!"storage".equals(PickleValues.argument(id, 0)) || !(PickleValues.argument(id, 1) instanceof Dtype dtype)) {
            throw new Malformed("damaged pickle: a persistent id that is no storage of a known type");
        }
        String key = PickleValues.text(PickleValues.argument(id, 2));
        long elements = PickleValues.integer(PickleValues.argument(id, 4));
        if (elements < 0) {
            throw new Malformed("storage '" + key + "' has the size " + elements);
        }
        Storage storage = storages.computeIfAbsent(key, k -> new Storage(k, dtype, elements));
        if (storage.dtype != dtype) {
            throw new Malformed("storage '" + key + "' is named as " + storage.dtype + " and as " + dtype);
        }
        if (id.length > 5 && id[5] != null) {
            Object[] view = PickleValues.tuple(id[5]);
            return new StorageView(storage, PickleValues.integer(PickleValues.argument(view, 1)),
                    PickleValues.integer(PickleValues.argument(view, 2)));
        }
        if (storage.elements != elements) {
            throw new Malformed("storage '" + key + "' is named with " + storage.elements + " and " + elements + " elements");
        }
        return new StorageView(storage, 0, elements);
    }

    /** {@code (storage, offset, size, stride, …)}. */
    private Object tensor(Object[] a) {
        if (!(PickleValues.argument(a, 0) instanceof StorageView view)) {
            throw new Malformed("damaged pickle: a tensor without a storage");
        }
        long offset = PickleValues.integer(PickleValues.argument(a, 1));
        long[] shape = PickleValues.integers(PickleValues.argument(a, 2));
        long[] strides = PickleValues.integers(PickleValues.argument(a, 3));
        StridedView.check(view.storage.elements, view.offset, new long[] {view.elements}, new long[] {1});
        StridedView.check(view.elements, offset, shape, strides);
        return new TensorView(view.storage, view.offset + offset, shape, strides);
    }

    private final class TensorView implements TensorValue {
        private final Storage storage;
        private final long offset;
        private final long[] shape;
        private final long[] strides;
        private HostTensor tensor;

        TensorView(Storage storage, long offset, long[] shape, long[] strides) {
            this.storage = storage;
            this.offset = offset;
            this.shape = shape;
            this.strides = strides;
        }

        @Override
        public HostTensor tensor() {
            if (tensor == null) {
                tensor = new HostTensor(storage.dtype, shape, bytes());
            }
            return tensor;
        }

        private MemorySegment bytes() {
            int width = storage.dtype.bytes();
            long size = HostTensor.byteSize(storage.dtype, shape);
            if (size == 0) {
                return MemorySegment.NULL;
            }
            if (storage.data == null) {
                throw new Malformed("the storage '" + storage.key + "' is missing in the file");
            }
            if (StridedView.isContiguous(shape, strides)) {
                return storage.data.asSlice(offset * width, size);
            }
            copyBudget -= size;
            if (copyBudget < 0) {
                throw new Malformed("tensors repeat their storage beyond all measure: not a checkpoint");
            }
            return StridedView.copy(storage.data, width, offset, shape, strides);
        }
    }
}
