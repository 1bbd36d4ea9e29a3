package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** A parameter's rows for every image of a batch, such as the learned proposal features; backward adds the images in order. */
public final class Expand {
    private static final Kernel FWD = Kernel.of("expand_fwd_f32", "x y n p c");
    private static final Kernel BWD = Kernel.of("expand_bwd_f32", "dy dx n p c");

    private Expand() {}

    /**
     * @param in (P, C), F32
     * @return (images, P, C) in the type the tape computes in
     */
    public static Variable apply(Tape tape, Variable in, long images) {
        Variable x = Permute.dense(tape, Cast.toF32(tape, in));
        long p = x.shape().size(0);
        long c = x.shape().size(1);
        Tensor y = tape.empty(tape.compute(), Shape.of(images, p, c));
        tape.device().kernel(FWD.over(y.dtype())).ptr(x.value()).ptr(y).i64(images).i64(p).i64(c).overRows(images * p);
        return tape.record(y, new Variable[] {x}, new Tensor[0], dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD.over(dy.dtype())).ptr(dy).ptr(dx).i64(images).i64(p).i64(c).overRows(p);
            return new Tensor[] {dx};
        });
    }
}
