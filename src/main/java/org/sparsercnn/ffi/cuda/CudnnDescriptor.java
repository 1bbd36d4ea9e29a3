package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A descriptor of cuDNN's graph API: made, given attributes, {@linkplain #finish finished}, and then read and named by others. Its
 * numbers travel as longs; a float as its bits.
 */
final class CudnnDescriptor implements AutoCloseable {
    /** {@code cudnnBackendDescriptorType_t}. */
    enum Type {
        POINTWISE(0),
        CONVOLUTION(1),
        ENGINE(2),
        ENGINECFG(3),
        ENGINEHEUR(4),
        EXECUTION_PLAN(5),
        OPERATION_CONVOLUTION_FORWARD(10),
        OPERATION_CONVOLUTION_BACKWARD_FILTER(11),
        OPERATION_CONVOLUTION_BACKWARD_DATA(12),
        OPERATION_POINTWISE(13),
        OPERATIONGRAPH(15),
        VARIANT_PACK(16),
        TENSOR(17),
        DEVICEPROP(38);

        private final int id;

        Type(int id) {
            this.id = id;
        }

        int id() {
            return id;
        }
    }

    /** Descriptors that go together, newest first; a finished one may still refer to those it was made of. */
    static final class Scope implements AutoCloseable {
        private final CudnnLibrary cudnn;
        private final Deque<CudnnDescriptor> open = new ArrayDeque<>();

        Scope(CudnnLibrary cudnn) {
            this.cudnn = cudnn;
        }

        CudnnDescriptor make(Type type) {
            var made = new CudnnDescriptor(cudnn, type);
            open.push(made);
            return made;
        }

        /** Takes a descriptor out; it is the caller's to close. */
        CudnnDescriptor keep(CudnnDescriptor descriptor) {
            open.remove(descriptor);
            return descriptor;
        }

        @Override
        public void close() {
            while (!open.isEmpty()) open.pop().close();
        }
    }

    private final CudnnLibrary cudnn;
    private final long address;

    CudnnDescriptor(CudnnLibrary cudnn, Type type) {
        this.cudnn = cudnn;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(JAVA_LONG);
            cudnn.createDescriptor(type.id(), target.address());
            address = target.get(JAVA_LONG, 0);
        }
    }

    long address() {
        return address;
    }

    CudnnDescriptor set(CudnnAttribute attribute, long... values) {
        int bytes = attribute.type().bytes();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment array = arena.allocate((long) bytes * values.length, Long.BYTES);
            for (int i = 0; i < values.length; i++) {
                switch (bytes) {
                    case Byte.BYTES -> array.setAtIndex(JAVA_BYTE, i, (byte) values[i]);
                    case Integer.BYTES -> array.setAtIndex(JAVA_INT, i, (int) values[i]);
                    default -> array.setAtIndex(JAVA_LONG, i, values[i]);
                }
            }
            cudnn.setAttribute(address, attribute, values.length, array.address());
        }
        return this;
    }

    CudnnDescriptor set(CudnnAttribute attribute, CudnnDescriptor value) {
        return set(attribute, value.address);
    }

    CudnnDescriptor set(CudnnAttribute attribute, List<CudnnDescriptor> values) {
        return set(attribute, values.stream().mapToLong(CudnnDescriptor::address).toArray());
    }

    CudnnDescriptor setFloat(CudnnAttribute attribute, float value) {
        return set(attribute, Float.floatToRawIntBits(value));
    }

    CudnnDescriptor setText(CudnnAttribute attribute, String text) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(text); // the terminating zero counts
            cudnn.setAttribute(address, attribute, bytes.byteSize(), bytes.address());
        }
        return this;
    }

    /** @throws CudaException where cuDNN finds fault with the attributes, or this version or device cannot do that */
    CudnnDescriptor finish() {
        cudnn.finish(address);
        return this;
    }

    long get(CudnnAttribute attribute) {
        return getAll(attribute, 1)[0];
    }

    /** At most {@code limit} of the values there are. */
    long[] getAll(CudnnAttribute attribute, int limit) {
        int bytes = attribute.type().bytes();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_LONG);
            MemorySegment array = arena.allocate((long) bytes * limit, Long.BYTES);
            cudnn.getAttribute(address, attribute, limit, count.address(), array.address());
            return LongStream.range(0, Math.min(limit, count.get(JAVA_LONG, 0)))
                    .map(i -> bytes == Integer.BYTES ? array.getAtIndex(JAVA_INT, i) : array.getAtIndex(JAVA_LONG, i)).toArray();
        }
    }

    String getText(CudnnAttribute attribute) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_LONG);
            cudnn.getAttribute(address, attribute, 0, count.address(), 0);
            MemorySegment text = arena.allocate(count.get(JAVA_LONG, 0) + 1); // a zero more than cuDNN writes
            cudnn.getAttribute(address, attribute, count.get(JAVA_LONG, 0), count.address(), text.address());
            return text.getString(0);
        }
    }

    /** Descriptors that belong to this one: cuDNN fills in those that are given to it. */
    List<CudnnDescriptor> getDescriptors(CudnnAttribute attribute, Type type, Scope scope) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_LONG);
            cudnn.getAttribute(address, attribute, 0, count.address(), 0);
            long wanted = count.get(JAVA_LONG, 0);
            List<CudnnDescriptor> made = new ArrayList<>();
            MemorySegment array = arena.allocate(Math.max(1, wanted) * Long.BYTES, Long.BYTES);
            for (int i = 0; i < wanted; i++) {
                made.add(scope.make(type));
                array.setAtIndex(JAVA_LONG, i, made.getLast().address);
            }
            if (wanted > 0) cudnn.getAttribute(address, attribute, wanted, count.address(), array.address());
            return made.subList(0, (int) Math.min(wanted, count.get(JAVA_LONG, 0)));
        }
    }

    @Override
    public void close() {
        cudnn.destroyDescriptor(address);
    }
}
