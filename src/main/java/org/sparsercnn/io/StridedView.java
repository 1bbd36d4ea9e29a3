package org.sparsercnn.io;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** PyTorch's tensors are views of a storage; this makes them contiguous. All counts are in elements. */
final class StridedView {
    private StridedView() {}

    /** Strides of a C-contiguous tensor of this shape. */
    static long[] contiguousStrides(long[] shape) {
        long[] strides = new long[shape.length];
        long next = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            strides[d] = next;
            next *= Math.max(1, shape[d]);
        }
        return strides;
    }

    static boolean isContiguous(long[] shape, long[] strides) {
        long[] wanted = contiguousStrides(shape);
        for (int d = 0; d < shape.length; d++) {
            if (shape[d] > 1 && strides[d] != wanted[d]) {
                return false;
            }
        }
        return true;
    }

    /** Refuses a view that leaves its storage of {@code available} elements, or whose numbers overflow. */
    static void check(long available, long offset, long[] shape, long[] strides) {
        if (shape.length != strides.length || offset < 0) {
            throw new Malformed("a tensor with shape " + Arrays.toString(shape) + ", strides " + Arrays.toString(strides)
                    + " and offset " + offset + " makes no sense");
        }
        long last = offset;
        try {
            if (HostTensor.elements(shape) == 0) {
                last = offset - 1;
            } else {
                for (int d = 0; d < shape.length; d++) {
                    if (strides[d] < 0) {
                        throw new Malformed("negative stride in " + Arrays.toString(strides));
                    }
                    last = Math.addExact(last, Math.multiplyExact(shape[d] - 1, strides[d]));
                }
            }
        } catch (ArithmeticException e) {
            last = Long.MAX_VALUE;
        }
        if (last >= available) {
            throw new Malformed("a tensor with shape " + Arrays.toString(shape) + ", strides " + Arrays.toString(strides)
                    + " and offset " + offset + " reaches outside its storage of " + available + " elements");
        }
    }

    /** A C-contiguous copy; the view must have passed {@link #check}. */
    static MemorySegment copy(MemorySegment storage, int elementBytes, long offset, long[] shape, long[] strides) {
        long n = HostTensor.elements(shape);
        MemorySegment out = Arena.ofAuto().allocate(n * elementBytes, 64);
        long[] index = new long[shape.length];
        long from = offset;
        for (long to = 0; to < n; to++) {
            MemorySegment.copy(storage, from * elementBytes, out, to * elementBytes, elementBytes);
            for (int d = shape.length - 1; d >= 0; d--) {
                from += strides[d];
                if (++index[d] < shape[d]) {
                    break;
                }
                from -= strides[d] * shape[d];
                index[d] = 0;
            }
        }
        return out;
    }
}
