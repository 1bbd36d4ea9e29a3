package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** The same rows for every image of a batch, such as the learned proposal features; backward adds the images in order. */
public final class Expand {
    private static final Kernel FWD = Kernel.of("expand_fwd_f32", "x y n p c");
    private static final Kernel BWD = Kernel.of("expand_bwd_f32", "dy dx n p c");

    private Expand() {}

    /**
     * @param in (P, C)
     * @return (images, P, C)
     */
    public static Variable apply(Tape tape, Variable in, long images) {
        Variable x = Permute.dense(tape, in);
        long p = x.shape().size(0);
        long c = x.shape().size(1);
        Tensor y = tape.empty(images, p, c);
        tape.device().kernel(FWD).ptr(x.value()).ptr(y).i64(images).i64(p).i64(c).overRows(images * p);
        return tape.record(y, new Variable[] {x}, new Tensor[0], dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD).ptr(dy).ptr(dx).i64(images).i64(p).i64(c).overRows(p);
            return new Tensor[] {dx};
        });
    }
}
