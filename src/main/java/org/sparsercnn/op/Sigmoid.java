package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Logistic function: y = 1 / (1 + e^-x). */
public final class Sigmoid {
    private static final Kernel FWD = Kernel.of("sigmoid_fwd_f32", "x y n");
    private static final Kernel BWD = Kernel.of("sigmoid_bwd_f32", "dy y dx n");

    private Sigmoid() {}

    /** @param in any shape */
    public static Variable apply(Tape tape, Variable in) {
        Variable x = Permute.dense(tape, in);
        long n = x.shape().elements();
        Tensor y = tape.empty(x.shape());
        tape.device().kernel(FWD).ptr(x.value()).ptr(y).i64(n).overElements(n);
        return tape.record(y, new Variable[] {x}, new Tensor[] {y}, dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD).ptr(dy).ptr(y).ptr(dx).i64(n).overElements(n);
            return new Tensor[] {dx};
        });
    }
}
