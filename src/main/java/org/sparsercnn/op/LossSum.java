package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** {@code weight * sum(x) / divisor}: how per-row losses become one number without a visit to the host. */
public final class LossSum {
    private static final Kernel FWD = Kernel.of("loss_sum_fwd_f32", "x divisor y n weight");
    private static final Kernel BWD = Kernel.of("loss_sum_bwd_f32", "dy divisor dx n weight");

    private LossSum() {}

    /**
     * @param in any shape
     * @param divisor one number on the device, such as the batch's number of boxes; null for 1. No gradient flows to it
     * @return a scalar; 0 for an empty {@code in}
     */
    public static Variable apply(Tape tape, Variable in, Tensor divisor, double weight) {
        Variable x = Permute.dense(tape, in);
        long n = x.value().elements();
        Tensor y = tape.empty();
        tape.device().kernel(FWD).ptr(x.value()).ptr(divisor).ptr(y).i64(n).f64(weight).overRows(1);
        return tape.record(y, new Variable[] {x}, divisor == null ? new Tensor[0] : new Tensor[] {divisor}, dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD).ptr(dy).ptr(divisor).ptr(dx).i64(n).f64(weight).overElements(n);
            return new Tensor[] {dx};
        });
    }
}
