package org.sparsercnn.optim;

import java.util.List;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** Checksums made on the device, by which tensors can be told apart to the last bit. */
public final class Checksum {
    /** Numbers of a checksum. */
    public static final int SIZE = 4;
    private static final int WORD = Integer.BYTES;
    private static final Kernel PARTIAL = Kernel.of("checksum_partial_f32", "tensors parts partial");
    private static final Kernel FINISH = Kernel.of("checksum_finish_f32", "partial offsets y");

    private Checksum() {}

    /**
     * @param tensors dense, of elements of 4 or 8 bytes
     * @return F32 (tensors, 4), the scope's: 64 bits in whole numbers below 2^16, the lowest first. Of two tensors that differ in
     *     one bit, or in one word, they are never the same
     */
    public static Tensor of(Scope scope, List<Tensor> tensors) {
        for (Tensor t : tensors) {
            if (!t.isDense() || t.dtype().bytes() % WORD != 0) {
                throw new IllegalArgumentException("checksum of " + t);
            }
        }
        Parts parts = new Parts(scope, tensors.stream().mapToLong(t -> t.bytes() / WORD).toArray());
        Tensor addresses = scope.empty(DType.I64, Shape.of(tensors.size()));
        addresses.set(tensors.stream().mapToLong(Tensor::address).toArray());
        Tensor offsets = scope.empty(DType.I64, Shape.of(parts.offsets().length));
        offsets.set(parts.offsets());
        Tensor partial = scope.empty(DType.I64, Shape.of(parts.count()));
        Tensor y = scope.empty(Shape.of(tensors.size(), SIZE));
        scope.device().kernel(PARTIAL).ptr(addresses).ptr(parts.table()).ptr(partial).overRows(parts.count());
        scope.device().kernel(FINISH).ptr(partial).ptr(offsets).ptr(y).overRows(tensors.size());
        return y;
    }
}
