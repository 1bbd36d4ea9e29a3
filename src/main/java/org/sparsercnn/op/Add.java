package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Sum of two tensors of the same shape, optionally with ReLU after it. Of two types the sum has the one the tape computes in. */
public final class Add {
    private static final Kernel FWD = Kernel.of("add_fwd_f32", "x z y n relu");

    private Add() {}

    public static Variable apply(Tape tape, Variable a, Variable b) {
        return apply(tape, a, b, false);
    }

    public static Variable apply(Tape tape, Variable a, Variable b, boolean relu) {
        boolean mixed = a.value().dtype() != b.value().dtype();
        Variable x = mixed ? Cast.factor(tape, a) : Permute.dense(tape, a);
        Variable z = mixed ? Cast.factor(tape, b) : Permute.dense(tape, b);
        Tensor y = sum(tape, x.value(), z.value(), relu);
        return tape.record(y, new Variable[] {x, z}, relu ? new Tensor[] {y} : new Tensor[0], dy -> {
            Tensor g = relu ? Relu.backward(tape, dy, y) : dy;
            return new Tensor[] {g, g};
        });
    }

    /** The sum outside any record: how the tape adds gradients. */
    public static Tensor sum(Tape tape, Tensor x, Tensor z) {
        return sum(tape, x, z, false);
    }

    private static Tensor sum(Tape tape, Tensor x, Tensor z, boolean relu) {
        if (!x.shape().equals(z.shape()) || x.dtype() != z.dtype()) {
            throw new IllegalArgumentException("add: " + x + " and " + z);
        }
        Tensor y = tape.empty(x.dtype(), x.shape());
        tape.device().kernel(FWD.over(x.dtype())).ptr(x).ptr(z).ptr(y).i64(x.elements()).flag(relu).overElements(x.elements());
        return y;
    }
}
