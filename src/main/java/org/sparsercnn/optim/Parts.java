package org.sparsercnn.optim;

import org.sparsercnn.device.DType;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** Tensors cut into parts of fixed size, by which one launch goes over all of them. The cut depends on shapes alone. */
final class Parts {
    private static final int PART = 16384;

    /** Where each tensor's parts begin; one more than tensors. */
    private final long[] offsets;
    private final Tensor table;

    /** @param elements of each tensor */
    Parts(Scope scope, long[] elements) {
        offsets = new long[elements.length + 1];
        for (int i = 0; i < elements.length; i++) {
            offsets[i + 1] = offsets[i] + Math.ceilDiv(elements[i], PART);
        }
        table = scope.empty(DType.I64, Shape.of(count(), 3));
        table.set(rows(elements));
    }

    private long[] rows(long[] elements) {
        long[] rows = new long[Math.toIntExact(3 * count())];
        int at = 0;
        for (int i = 0; i < elements.length; i++) {
            for (long first = 0; first < elements[i]; first += PART) {
                rows[at++] = i;
                rows[at++] = first;
                rows[at++] = Math.min(PART, elements[i] - first);
            }
        }
        return rows;
    }

    long count() {
        return offsets[offsets.length - 1];
    }

    long[] offsets() {
        return offsets;
    }

    /** I64 (parts, 3): tensor, first element and number of elements; {@code Part} of kernels/parameters.cuh. */
    Tensor table() {
        return table;
    }
}
