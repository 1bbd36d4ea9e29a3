package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Generalised IoU (Rezatofighi et al., CVPR 2019) of every pair of boxes, in [-1, 1] for proper boxes. Where the published code
 * asserts or divides 0 by 0 the value is defined: an empty union counts as IoU 0, an empty hull has no hull term.
 */
public final class PairwiseGiou {
    private static final Kernel FWD = Kernel.of("pairwise_giou_fwd_f32", "b1 b2 y n m");
    private static final Kernel BWD = Kernel.of("pairwise_giou_bwd_f32", "dy own other down n m own_stride other_stride");

    private PairwiseGiou() {}

    /**
     * @param boxesXyxy1 (N, 4)
     * @param boxesXyxy2 (M, 4), same unit
     * @return (N, M)
     */
    public static Variable apply(Tape tape, Variable boxesXyxy1, Variable boxesXyxy2) {
        Variable b1 = Permute.dense(tape, boxesXyxy1);
        Variable b2 = Permute.dense(tape, boxesXyxy2);
        long n = b1.shape().size(0);
        long m = b2.shape().size(0);
        Tensor y = tape.empty(n, m);
        tape.device().kernel(FWD).ptr(b1.value()).ptr(b2.value()).ptr(y).i64(n).i64(m).overRows(n);
        return tape.record(y, new Variable[] {b1, b2}, new Tensor[] {b1.value(), b2.value()},
                dy -> new Tensor[] {backward(tape, dy, b1, b2, m, 1), backward(tape, dy, b2, b1, 1, m)});
    }

    private static Tensor backward(Tape tape, Tensor dy, Variable own, Variable other, long ownStride, long otherStride) {
        if (!own.requiresGrad()) {
            return null;
        }
        Tensor down = tape.empty(own.shape());
        long n = own.shape().size(0);
        tape.device().kernel(BWD).ptr(dy).ptr(own.value()).ptr(other.value()).ptr(down)
                .i64(n).i64(other.shape().size(0)).i64(ownStride).i64(otherStride).overRows(n);
        return down;
    }
}
