package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Cross-entropy as a weighted mean over rows (PyTorch's {@code F.cross_entropy} with class weights), times a factor. */
public final class CrossEntropyLoss {
    private static final Kernel FWD = Kernel.of("cross_entropy_loss_fwd_f32", "x target weight y row_weight lse rows classes");
    private static final Kernel BWD = Kernel.of("cross_entropy_loss_bwd_f32", "dy x target row_weight lse dx rows classes");

    private CrossEntropyLoss() {}

    /**
     * @param logits (…, K), background among the classes
     * @param target I32 (…): class of each row; a row whose class is outside [0, K) does not count
     * @param classWeight (K)
     * @param factor on the mean
     * @return a scalar
     */
    public static Variable apply(Tape tape, Variable logits, Tensor target, Tensor classWeight, double factor) {
        Variable x = Permute.dense(tape, logits);
        long classes = x.shape().size(-1);
        long rows = x.shape().rows();
        if (target.elements() != rows || classWeight.elements() != classes) {
            throw new IllegalArgumentException("cross-entropy: logits " + x.value() + ", targets " + target + ", weights " + classWeight);
        }
        Tensor y = tape.empty(rows);
        Tensor rowWeight = tape.empty(rows);
        Tensor lse = tape.empty(rows);
        tape.device().kernel(FWD).ptr(x.value()).ptr(target).ptr(classWeight).ptr(y).ptr(rowWeight).ptr(lse)
                .i64(rows).i64(classes).overRows(rows);
        Variable each = tape.record(y, new Variable[] {x}, new Tensor[] {x.value(), target, rowWeight, lse}, dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD).ptr(dy).ptr(x.value()).ptr(target).ptr(rowWeight).ptr(lse).ptr(dx)
                    .i64(rows).i64(classes).overRows(rows);
            return new Tensor[] {dx};
        });
        Tensor total = LossSum.apply(tape, Variable.constant(rowWeight), null, 1).value();
        return LossSum.apply(tape, each, total, factor);
    }
}
