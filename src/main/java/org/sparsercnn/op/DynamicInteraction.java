package org.sparsercnn.op;

import java.util.stream.Stream;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * The heart of dynamic instance interaction (Sun et al., CVPR 2021, figure 4): two {@linkplain DynamicConv dynamic convolutions},
 * each followed by {@link LayerNorm} and ReLU. In bf16 one kernel does all of it where the device has it; backward is that of the
 * four steps in any case.
 */
public final class DynamicInteraction {
    private static final Kernel FWD = Kernel.of("dynamic_interaction_fwd_bf16",
            "x w gamma1 beta1 gamma2 beta2 y z1 h z2 mean1 rstd1 mean2 rstd2 points c d stride eps");
    // As the kernel has them.
    private static final int THREADS = 256;
    private static final int POINTS = 64;
    private static final int MAX_C = 256;
    private static final int MAX_D = 64;
    /** What every GPU since Ampere gives a block that asks for it. */
    private static final int MAX_SHARED = 99 << 10;

    /** Parameters of a layer norm, fp32. */
    public record Norm(Variable gamma, Variable beta) {}

    private DynamicInteraction() {}

    /**
     * @param rois (R, P, C)
     * @param weights (R, L): row r begins with the first convolution's weights, (C, D), and goes on with the second's, (D, C)
     * @param inner D
     * @param norm1 over D
     * @param norm2 over C
     * @return (R, P, C)
     */
    public static Variable apply(Tape tape, Variable rois, Variable weights, long inner, Norm norm1, Norm norm2, double eps) {
        if (isFused(tape.device(), rois.value(), weights.value(), inner)) {
            return fused(tape, Permute.dense(tape, rois), Permute.dense(tape, weights), inner, norm1, norm2, eps);
        }
        long outer = rois.shape().size(2);
        Variable x = DynamicConv.apply(tape, rois, weights, 0, inner);
        x = LayerNorm.apply(tape, x, norm1.gamma, norm1.beta, eps, true);
        x = DynamicConv.apply(tape, x, weights, outer * inner, outer);
        return LayerNorm.apply(tape, x, norm2.gamma, norm2.beta, eps, true);
    }

    private static boolean isFused(Device device, Tensor rois, Tensor weights, long inner) {
        long outer = rois.size(2);
        return rois.dtype() == DType.BF16 && weights.dtype() == DType.BF16 && rois.size(1) <= POINTS && outer <= MAX_C && inner <= MAX_D
                && outer % 16 == 0 && inner % 16 == 0 && weights.size(1) % 8 == 0
                && sharedBytes(rois.size(1), outer, inner) <= MAX_SHARED && device.has(FWD);
    }

    private static Variable fused(Tape tape, Variable x, Variable w, long inner, Norm norm1, Norm norm2, double eps) {
        long rows = x.shape().size(0);
        long points = x.shape().size(1);
        long outer = x.shape().size(2);
        Steps steps = null;
        if (tape.training() && Stream.of(x, w, norm1.gamma, norm1.beta, norm2.gamma, norm2.beta).anyMatch(Variable::requiresGrad)) {
            steps = new Steps(tape, rows, points, outer, inner);
        }
        Tensor y = tape.empty(DType.BF16, x.shape());
        var launch = tape.device().kernel(FWD).ptr(x.value()).ptr(w.value()).ptr(norm1.gamma.value()).ptr(norm1.beta.value())
                .ptr(norm2.gamma.value()).ptr(norm2.beta.value()).ptr(y);
        for (int i = 0; i < Steps.COUNT; i++) {
            launch.ptr(steps == null ? null : steps.tensors()[i]);
        }
        launch.i64(points).i64(outer).i64(inner).i64(w.shape().size(1)).f64(eps).overBlocks(rows, THREADS, sharedBytes(points, outer, inner));
        if (steps == null) {
            return Variable.constant(y);
        }
        Variable z1 = DynamicConv.record(tape, x, w, 0, steps.z1);
        Variable h = LayerNorm.record(tape, z1, norm1.gamma, norm1.beta, true, steps.h, steps.mean1, steps.rstd1);
        Variable z2 = DynamicConv.record(tape, h, w, outer * inner, steps.z2);
        return LayerNorm.record(tape, z2, norm2.gamma, norm2.beta, true, y, steps.mean2, steps.rstd2);
    }

    /** x (P, C), the weights (C, D), with room for (P, D), and (D, C), rows 8 elements apart; moments of four parts of 64 rows. */
    private static int sharedBytes(long points, long outer, long inner) {
        long elements = points * (outer + 8) + Math.max(outer, points) * (inner + 8) + inner * (outer + 8);
        return Math.toIntExact(2 * elements + 4 * POINTS * 8);
    }

    /** What lies between the four steps, kept for their backward. */
    private record Steps(Tensor z1, Tensor h, Tensor z2, Tensor mean1, Tensor rstd1, Tensor mean2, Tensor rstd2) {
        static final int COUNT = 7;

        Steps(Tape tape, long rows, long points, long outer, long inner) {
            this(tape.empty(DType.BF16, Shape.of(rows, points, inner)), tape.empty(DType.BF16, Shape.of(rows, points, inner)),
                    tape.empty(DType.BF16, Shape.of(rows, points, outer)), tape.empty(rows * points), tape.empty(rows * points),
                    tape.empty(rows * points), tape.empty(rows * points));
        }

        /** In the order of the kernel's fields. */
        Tensor[] tensors() {
            return new Tensor[] {z1, h, z2, mean1, rstd1, mean2, rstd2};
        }
    }
}
