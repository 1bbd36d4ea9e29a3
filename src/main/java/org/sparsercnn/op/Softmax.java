package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Softmax over the last axis: y = e^x / sum e^x, computed from x - max x. */
public final class Softmax {
    private static final Kernel FWD = Kernel.of("softmax_fwd_f32", "x y rows cols");
    private static final Kernel BWD = Kernel.of("softmax_bwd_f32", "dy y dx rows cols");

    private Softmax() {}

    /** @param in (…, C) */
    public static Variable apply(Tape tape, Variable in) {
        Variable x = Permute.dense(tape, in);
        Tensor y = tape.empty(x.value().dtype(), x.shape());
        forward(tape, x.value(), y);
        return tape.record(y, new Variable[] {x}, new Tensor[] {y}, dy -> {
            Tensor dx = tape.empty(y.dtype(), x.shape());
            backward(tape, dy, y, dx);
            return new Tensor[] {dx};
        });
    }

    /** Dense x to y of the same type, which may be x itself. */
    static void forward(Tape tape, Tensor x, Tensor y) {
        long rows = x.shape().rows();
        tape.device().kernel(FWD.over(x.dtype())).ptr(x).ptr(y).i64(rows).i64(x.size(-1)).overRows(rows);
    }

    /** Gradient dy of the output y to dx, which may be dy itself. */
    static void backward(Tape tape, Tensor dy, Tensor y, Tensor dx) {
        long rows = y.shape().rows();
        tape.device().kernel(BWD.over(y.dtype())).ptr(dy).ptr(y).ptr(dx).i64(rows).i64(y.size(-1)).overRows(rows);
    }
}
