package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** L1 loss of matched boxes in units of their images: {@code weight / numBoxes * sum |box / scale - target / scale|}. */
public final class L1Loss {
    private static final Kernel FWD = Kernel.of("l1_loss_fwd_f32", "boxes source target scale y pairs");
    private static final Kernel BWD = Kernel.of("l1_loss_bwd_f32", "dy boxes source target scale dboxes dtarget pairs");

    private L1Loss() {}

    /**
     * @param boxes (R, 4)
     * @param source I32 (M): the row of {@code boxes} that target i is matched with; no row twice. M may be 0
     * @param target (M, 4)
     * @param scale (M, 4): width, height, width, height of the target's image
     * @param numBoxes one number on the device, or null for 1
     * @return a scalar
     */
    public static Variable apply(Tape tape, Variable boxes, Tensor source, Variable target, Tensor scale, Tensor numBoxes, double weight) {
        Variable b = Permute.dense(tape, boxes);
        Variable t = Permute.dense(tape, target);
        long pairs = source.elements();
        Tensor y = tape.empty(pairs);
        tape.device().kernel(FWD).ptr(b.value()).ptr(source).ptr(t.value()).ptr(scale).ptr(y).i64(pairs).overElements(pairs);
        Variable each = tape.record(y, new Variable[] {b, t}, new Tensor[] {b.value(), source, t.value(), scale}, dy -> {
            Tensor[] grads = {b.requiresGrad() ? tape.zeros(b.shape()) : null, t.requiresGrad() ? tape.empty(t.shape()) : null};
            tape.device().kernel(BWD).ptr(dy).ptr(b.value()).ptr(source).ptr(t.value()).ptr(scale).ptr(grads[0]).ptr(grads[1])
                    .i64(pairs).overElements(pairs);
            return grads;
        });
        return LossSum.apply(tape, each, numBoxes, weight);
    }
}
