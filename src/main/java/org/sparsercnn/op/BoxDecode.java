package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.tensor.Tensor;

/**
 * A head's regression output applied to its boxes (Faster R-CNN's parametrisation, the head's {@code apply_deltas}): centres
 * move by fractions of the box, sides grow exponentially. dw and dh are clamped from above only, before the exponential.
 * Boxes are fp32 whatever the tape computes in.
 */
public final class BoxDecode {
    private static final Kernel FWD = Kernel.of("box_decode_fwd_f32", "deltas boxes y n wx wy ww wh clamp");
    private static final Kernel BWD = Kernel.of("box_decode_bwd_f32", "dy deltas boxes ddeltas dboxes n wx wy ww wh clamp");

    /**
     * What the deltas are divided by, and the largest exponent.
     *
     * @param clamp of dw and dh after division
     */
    public record Weights(double x, double y, double w, double h, double clamp) {
        /** Sparse R-CNN's: (2, 2, 1, 1), and sides may grow 6250-fold. */
        public static final Weights PUBLISHED = new Weights(2, 2, 1, 1, Math.log(100000.0 / 16));
    }

    private BoxDecode() {}

    /**
     * @param deltas (…, 4): dx, dy, dw, dh
     * @param boxesXyxy (…, 4), same shape
     * @return the decoded boxes as corners, same shape
     */
    public static Variable apply(Tape tape, Variable deltas, Variable boxesXyxy, Weights weights) {
        Variable d = Permute.dense(tape, Cast.toF32(tape, deltas));
        Variable b = Permute.dense(tape, Cast.toF32(tape, boxesXyxy));
        if (d.value().elements() != b.value().elements()) {
            throw new IllegalArgumentException("box decode: deltas " + d.value() + ", boxes " + b.value());
        }
        long n = d.shape().rows();
        Tensor y = tape.empty(b.shape());
        with(weights, tape.device().kernel(FWD).ptr(d.value()).ptr(b.value()).ptr(y).i64(n)).overElements(n);
        return tape.record(y, new Variable[] {d, b}, new Tensor[] {d.value(), b.value()}, dy -> {
            Tensor[] grads = {d.requiresGrad() ? tape.empty(d.shape()) : null, b.requiresGrad() ? tape.empty(b.shape()) : null};
            with(weights, tape.device().kernel(BWD).ptr(dy).ptr(d.value()).ptr(b.value()).ptr(grads[0]).ptr(grads[1]).i64(n))
                    .overElements(n);
            return grads;
        });
    }

    private static Launch with(Weights w, Launch launch) {
        return launch.f64(w.x).f64(w.y).f64(w.w).f64(w.h).f64(w.clamp);
    }
}
