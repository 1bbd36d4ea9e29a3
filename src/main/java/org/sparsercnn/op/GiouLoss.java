package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Generalised IoU loss of matched boxes: {@code weight / numBoxes * sum (1 - giou)}. Degenerate boxes have the defined GIoU of
 * {@link PairwiseGiou}, where the published code asserts.
 */
public final class GiouLoss {
    private static final Kernel FWD = Kernel.of("giou_loss_fwd_f32", "boxes source target y pairs");
    private static final Kernel BWD = Kernel.of("giou_loss_bwd_f32", "dy boxes source target dboxes dtarget pairs");

    private GiouLoss() {}

    /**
     * @param boxesXyxy (R, 4)
     * @param source I32 (M): the row of {@code boxesXyxy} that target i is matched with; no row twice. M may be 0
     * @param targetXyxy (M, 4), same unit
     * @param numBoxes one number on the device, or null for 1
     * @return a scalar
     */
    public static Variable apply(Tape tape, Variable boxesXyxy, Tensor source, Variable targetXyxy, Tensor numBoxes, double weight) {
        Variable b = Permute.dense(tape, boxesXyxy);
        Variable t = Permute.dense(tape, targetXyxy);
        long pairs = source.elements();
        Tensor y = tape.empty(pairs);
        tape.device().kernel(FWD).ptr(b.value()).ptr(source).ptr(t.value()).ptr(y).i64(pairs).overElements(pairs);
        Variable each = tape.record(y, new Variable[] {b, t}, new Tensor[] {b.value(), source, t.value()}, dy -> {
            Tensor[] grads = {b.requiresGrad() ? tape.zeros(b.shape()) : null, t.requiresGrad() ? tape.empty(t.shape()) : null};
            tape.device().kernel(BWD).ptr(dy).ptr(b.value()).ptr(source).ptr(t.value()).ptr(grads[0]).ptr(grads[1])
                    .i64(pairs).overElements(pairs);
            return grads;
        });
        return LossSum.apply(tape, each, numBoxes, weight);
    }
}
