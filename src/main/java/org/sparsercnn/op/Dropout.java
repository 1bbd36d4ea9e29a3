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

    /**
     * Which elements are kept: element i where 32 random bits, those of number {@code counter + i} of the stream {@code seed}, are
     * below {@code threshold}; it is multiplied by {@code scale}.
     */
    record Mask(long seed, long counter, long threshold, double scale) {
        /** Keeps everything. */
        static final Mask NONE = new Mask(0, 0, 1L << 32, 1);

        /** For {@code n} elements, the next of the tape's stream. */
        static Mask draw(Tape tape, double p, long n) {
            if (!(p >= 0 && p <= 1)) {
                throw new IllegalArgumentException("dropout probability " + p + ", wanted 0 to 1");
            }
            if (!tape.training() || p == 0) {
                return NONE;
            }
            return new Mask(tape.rng().seed(), tape.rng().reserve(n), Math.round((1 - p) * 0x1p32), p == 1 ? 0 : 1 / (1 - p));
        }
    }

    /** @param p probability of 0, in [0, 1] */
    public static Variable apply(Tape tape, Variable in, double p) {
        Mask mask = Mask.draw(tape, p, in.shape().elements());
        if (mask == Mask.NONE) {
            return in;
        }
        Variable x = Permute.dense(tape, in);
        return tape.record(masked(tape, x.value(), mask), new Variable[] {x}, new Tensor[0], dy -> new Tensor[] {masked(tape, dy, mask)});
    }

    private static Tensor masked(Tape tape, Tensor x, Mask mask) {
        Tensor y = tape.empty(x.dtype(), x.shape());
        long n = x.elements();
        tape.device().kernel(FWD.over(x.dtype())).ptr(x).ptr(y).i64(n).i64(mask.seed).i64(mask.counter).i64(mask.threshold).f64(mask.scale)
                .overElements(n);
        return y;
    }
}
