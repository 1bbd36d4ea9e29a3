package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Intersection over union of every pair of boxes. An empty union gives 0 (published: 0/0); inverted boxes have the signed area
 * of the published code and an empty intersection; at ties of corners the gradient is split as PyTorch does.
 */
public final class PairwiseIou {
    private static final Kernel FWD = Kernel.of("pairwise_iou_fwd_f32", "b1 b2 iou uni n m");
    private static final Kernel BWD = Kernel.of("pairwise_iou_bwd_f32", "diou dunion own other down n m own_stride other_stride");

    /** Both (N, M). */
    public record Overlap(Variable iou, Variable union) {}

    private PairwiseIou() {}

    /**
     * @param boxesXyxy1 (N, 4)
     * @param boxesXyxy2 (M, 4), same unit
     */
    public static Overlap apply(Tape tape, Variable boxesXyxy1, Variable boxesXyxy2) {
        Variable b1 = Permute.dense(tape, boxesXyxy1);
        Variable b2 = Permute.dense(tape, boxesXyxy2);
        long n = b1.shape().size(0);
        long m = b2.shape().size(0);
        Tensor iou = tape.empty(n, m);
        Tensor union = tape.empty(n, m);
        tape.device().kernel(FWD).ptr(b1.value()).ptr(b2.value()).ptr(iou).ptr(union).i64(n).i64(m).overRows(n);
        Variable[] parents = {b1, b2};
        Tensor[] kept = {b1.value(), b2.value()};
        return new Overlap(tape.record(iou, parents, kept, dy -> backward(tape, dy, null, b1, b2)),
                tape.record(union, parents, kept, dy -> backward(tape, null, dy, b1, b2)));
    }

    private static Tensor[] backward(Tape tape, Tensor diou, Tensor dunion, Variable b1, Variable b2) {
        long n = b1.shape().size(0);
        long m = b2.shape().size(0);
        return new Tensor[] {backward(tape, diou, dunion, b1, b2, m, 1), backward(tape, diou, dunion, b2, b1, 1, m)};
    }

    private static Tensor backward(Tape tape, Tensor diou, Tensor dunion, Variable own, Variable other, long ownStride, long otherStride) {
        if (!own.requiresGrad()) {
            return null;
        }
        Tensor down = tape.empty(own.shape());
        long n = own.shape().size(0);
        tape.device().kernel(BWD).ptr(diou).ptr(dunion).ptr(own.value()).ptr(other.value()).ptr(down)
                .i64(n).i64(other.shape().size(0)).i64(ownStride).i64(otherStride).overRows(n);
        return down;
    }
}
