package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Sigmoid focal loss (Lin et al., ICCV 2017; fvcore's {@code sigmoid_focal_loss}), one binary decision per row and class:
 * {@code weight / numBoxes * sum alpha_t (1 - p_t)^gamma (-ln p_t)}. Backward computes from the logits again, so only they are
 * kept.
 */
public final class SigmoidFocalLoss {
    private static final Kernel FWD = Kernel.of("sigmoid_focal_loss_fwd_f32", "x target y rows classes alpha gamma");
    private static final Kernel BWD = Kernel.of("sigmoid_focal_loss_bwd_f32", "dy x target dx rows classes alpha gamma");

    private SigmoidFocalLoss() {}

    /**
     * @param logits (…, K)
     * @param target I32 (…): class of each row; K, like any number outside [0, K), is background
     * @param alpha weight of the positive decisions, the negative ones have 1 - alpha; below 0: no weights
     * @param numBoxes one number on the device, or null for 1
     * @return a scalar
     */
    public static Variable apply(Tape tape, Variable logits, Tensor target, double alpha, double gamma, Tensor numBoxes, double weight) {
        Variable x = Permute.dense(tape, logits);
        long classes = x.shape().size(-1);
        long rows = x.shape().rows();
        if (target.elements() != rows) {
            throw new IllegalArgumentException("focal loss: logits " + x.value() + ", targets " + target);
        }
        Tensor y = tape.empty(rows);
        tape.device().kernel(FWD).ptr(x.value()).ptr(target).ptr(y).i64(rows).i64(classes).f64(alpha).f64(gamma).overRows(rows);
        Variable each = tape.record(y, new Variable[] {x}, new Tensor[] {x.value(), target}, dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD).ptr(dy).ptr(x.value()).ptr(target).ptr(dx).i64(rows).i64(classes).f64(alpha).f64(gamma)
                    .overRows(rows);
            return new Tensor[] {dx};
        });
        return LossSum.apply(tape, each, numBoxes, weight);
    }
}
