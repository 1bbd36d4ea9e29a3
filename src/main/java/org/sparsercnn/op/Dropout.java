package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Dropout: in training each element is 0 with probability p and divided by 1 - p otherwise; in evaluation the identity.
 *
 * <p>Whether element i is kept follows from number {@code counter + i} of the tape's random stream alone, so the mask depends
 * neither on threads nor on the device, and backward draws it again instead of keeping it.
 */
public final class Dropout {
    private static final Kernel FWD = Kernel.of("dropout_fwd_f32", "x y n seed counter threshold scale");

    private Dropout() {}

    /** @param p probability of 0, in [0, 1] */
    public static Variable apply(Tape tape, Variable in, double p) {
        if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException("dropout probability " + p + ", wanted 0 to 1");
        }
        if (!tape.training() || p == 0) {
            return in;
        }
        Variable x = Permute.dense(tape, in);
        long seed = tape.rng().seed();
        long counter = tape.rng().reserve(x.shape().elements());
        return tape.record(masked(tape, x.value(), seed, counter, p), new Variable[] {x}, new Tensor[0],
                dy -> new Tensor[] {masked(tape, dy, seed, counter, p)});
    }

    private static Tensor masked(Tape tape, Tensor x, long seed, long counter, double p) {
        Tensor y = tape.empty(x.dtype(), x.shape());
        long n = x.elements();
        long threshold = Math.round((1 - p) * 0x1p32);  // of 32 random bits
        tape.device().kernel(FWD.over(x.dtype())).ptr(x).ptr(y).i64(n).i64(seed).i64(counter).i64(threshold).f64(p == 1 ? 0 : 1 / (1 - p))
                .overElements(n);
        return y;
    }
}
