package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Gaussian error linear unit, the exact one: y = x (1 + erf(x / sqrt 2)) / 2, as {@code torch.nn.functional.gelu}. */
public final class Gelu {
    private static final Kernel FWD = Kernel.of("gelu_fwd_f32", "x y n");
    private static final Kernel BWD = Kernel.of("gelu_bwd_f32", "dy x dx n");

    private Gelu() {}

    /** @param in any shape */
    public static Variable apply(Tape tape, Variable in) {
        Variable x = Permute.dense(tape, in);
        long n = x.shape().elements();
        DType type = x.value().dtype();
        Tensor y = tape.empty(type, x.shape());
        tape.device().kernel(FWD.over(type)).ptr(x.value()).ptr(y).i64(n).overElements(n);
        return tape.record(y, new Variable[] {x}, new Tensor[] {x.value()}, dy -> {
            Tensor dx = tape.empty(type, x.shape());
            tape.device().kernel(BWD.over(type)).ptr(dy).ptr(x.value()).ptr(dx).i64(n).overElements(n);
            return new Tensor[] {dx};
        });
    }
}
