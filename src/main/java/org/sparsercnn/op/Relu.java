package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** y = max(x, 0). */
public final class Relu {
    private static final Kernel FWD = Kernel.of("relu_fwd_f32", "x y n");
    private static final Kernel BWD = Kernel.of("relu_bwd_f32", "dy y dx n");

    private Relu() {}

    public static Variable apply(Tape tape, Variable in) {
        Variable x = Permute.dense(tape, in);
        Tensor y = tape.empty(x.value().dtype(), x.shape());
        tape.device().kernel(FWD.over(y.dtype())).ptr(x.value()).ptr(y).i64(y.elements()).overElements(y.elements());
        return tape.record(y, new Variable[] {x}, new Tensor[] {y}, dy -> new Tensor[] {backward(tape, dy, y)});
    }

    /** The gradient before a ReLU whose output was {@code y}; ops that fuse a ReLU share it. */
    static Tensor backward(Tape tape, Tensor dy, Tensor y) {
        Tensor dx = tape.empty(y.dtype(), y.shape());
        tape.device().kernel(BWD.over(y.dtype())).ptr(dy).ptr(y).ptr(dx).i64(y.elements()).overElements(y.elements());
        return dx;
    }
}
