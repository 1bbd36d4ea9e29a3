package org.sparsercnn.op;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Group normalisation in NHWC, optionally with ReLU: each group of neighbouring channels of one image is brought to mean 0 and
 * variance 1 (biased), then scaled and shifted by channel, as {@code torch.nn.GroupNorm}. Statistics are fp32.
 */
public final class GroupNorm {
    private static final Kernel MOMENTS = Kernel.of("group_norm_moments_f32", "x partial images rows cols chunks");
    private static final Kernel STATS = Kernel.of("group_norm_stats_f32", "partial mean var rstd images rows cols chunks groups eps");
    private static final Kernel FWD = Kernel.of("group_norm_fwd_f32", "x gamma beta mean rstd y images rows cols chunks relu");
    private static final Kernel SUMS = Kernel.of("group_norm_sums_f32", "dy x y mean rstd partial images rows cols chunks relu");
    private static final Kernel COEFFICIENTS = Kernel.of("group_norm_coefficients_f32", "sums gamma rstd coefficients images rows cols groups");
    private static final Kernel BWD = Kernel.of("group_norm_bwd_f32", "dy x y mean coefficients dx images rows cols chunks relu");

    private GroupNorm() {}

    /**
     * @param in (N, …, C)
     * @param groups divides C
     * @param gamma (C)
     * @param beta (C)
     */
    public static Variable apply(Tape tape, Variable in, int groups, Variable gamma, Variable beta, double eps, boolean relu) {
        Variable x = Permute.dense(tape, in);
        long images = x.shape().size(0);
        long cols = x.shape().size(-1);
        if (cols % groups != 0) {
            throw new IllegalArgumentException("group norm with " + groups + " groups of " + x.value());
        }
        Plan plan = new Plan(images, images == 0 ? 0 : x.shape().rows() / images, cols, groups);
        return normalise(tape, x, gamma, beta, relu, plan, plan.statistics(tape, x.value(), eps));
    }

    /** Statistics of each group, standing at each of its channels: (images, cols). */
    record Statistics(Tensor mean, Tensor var, Tensor rstd) {}

    /** The input seen as (images, rows, cols). Batch norm is one image, with a group for each channel. */
    record Plan(long images, long rows, long cols, long groups) {
        long chunks() {
            return ColumnSum.chunks(rows);
        }

        boolean isEmpty() {
            return images * rows * cols == 0;
        }

        Statistics statistics(Tape tape, Tensor x, double eps) {
            var stats = new Statistics(tape.empty(images, cols), tape.empty(images, cols), tape.empty(images, cols));
            if (!isEmpty()) {
                Tensor partial = tape.empty(images * chunks(), 2, cols);
                tape.device().kernel(MOMENTS.over(x.dtype())).ptr(x).ptr(partial).i64(images).i64(rows).i64(cols).i64(chunks())
                        .overRows(images * chunks());
                tape.device().kernel(STATS).ptr(partial).ptr(stats.mean).ptr(stats.var).ptr(stats.rstd)
                        .i64(images).i64(rows).i64(cols).i64(chunks()).i64(groups).f64(eps).overRows(images * groups);
            }
            return stats;
        }

        /** Sums over the rows of each image: (images, 2, cols), of g xhat and of g. */
        Tensor sums(Tape tape, Tensor dy, Tensor x, Tensor y, Statistics s, boolean relu) {
            if (isEmpty()) {
                return tape.zeros(Shape.of(images, 2, cols));
            }
            Tensor partial = tape.empty(images * chunks(), 2, cols);
            tape.device().kernel(SUMS.over(x.dtype())).ptr(dy).ptr(x).ptr(y).ptr(s.mean).ptr(s.rstd).ptr(partial)
                    .i64(images).i64(rows).i64(cols).i64(chunks()).flag(relu).overRows(images * chunks());
            return ColumnSum.each(tape, partial, images, chunks(), 2 * cols);
        }

        Tensor inputGradient(Tape tape, Tensor dy, Tensor x, Tensor y, Tensor gamma, Statistics s, Tensor sums, boolean relu) {
            Tensor dx = tape.empty(x.dtype(), x.shape());
            if (isEmpty()) {
                return dx;
            }
            Tensor coefficients = tape.empty(images, 3, cols);
            tape.device().kernel(COEFFICIENTS).ptr(sums).ptr(gamma).ptr(s.rstd).ptr(coefficients)
                    .i64(images).i64(rows).i64(cols).i64(groups).overRows(images * groups);
            tape.device().kernel(BWD.over(x.dtype())).ptr(dy).ptr(x).ptr(y).ptr(s.mean).ptr(coefficients).ptr(dx)
                    .i64(images).i64(rows).i64(cols).i64(chunks()).flag(relu).overRows(images * chunks());
            return dx;
        }
    }

    /** Normalises dense {@code x} with statistics that depend on it. */
    static Variable normalise(Tape tape, Variable x, Variable gamma, Variable beta, boolean relu, Plan plan, Statistics s) {
        return normalise(tape, x, gamma, beta, relu, plan, s, _ -> {});
    }

    /**
     * Normalises dense {@code x} with statistics that depend on it, and on what other ranks have.
     *
     * @param share brings what they have into {@link Plan#sums}, from which the gradient of x is made
     * @param shareReads what {@code share} reads beside them
     */
    static Variable normalise(Tape tape, Variable x, Variable gamma, Variable beta, boolean relu, Plan plan, Statistics s,
                              Consumer<Tensor> share, Tensor... shareReads) {
        Tensor y = tape.empty(x.value().dtype(), x.shape());
        tape.device().kernel(FWD.over(y.dtype())).ptr(x.value()).ptr(gamma.value()).ptr(beta.value()).ptr(s.mean).ptr(s.rstd).ptr(y)
                .i64(plan.images).i64(plan.rows).i64(plan.cols).i64(plan.chunks()).flag(relu).overRows(plan.images * plan.chunks());
        var kept = new ArrayList<>(List.of(shareReads));
        Collections.addAll(kept, x.value(), s.mean, s.rstd);
        if (relu) {
            kept.add(y);
        }
        return tape.record(y, new Variable[] {x, gamma, beta}, kept.toArray(Tensor[]::new), dy -> {
            Tensor before = relu ? y : null;
            Tensor sums = plan.sums(tape, dy, x.value(), before, s, relu);
            Tensor[] grads = new Tensor[3];
            if (gamma.requiresGrad() || beta.requiresGrad()) {
                Tensor total = ColumnSum.apply(tape, sums, plan.images, 2 * plan.cols);
                grads[1] = total.narrow(0, 0, plan.cols);
                grads[2] = total.narrow(0, plan.cols, plan.cols);
            }
            if (x.requiresGrad()) {
                share.accept(sums);
                grads[0] = plan.inputGradient(tape, dy, x.value(), before, gamma.value(), s, sums, relu);
            }
            return grads;
        });
    }
}
