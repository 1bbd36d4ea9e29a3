package org.sparsercnn.nn;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.op.Add;
import org.sparsercnn.op.BatchNorm;
import org.sparsercnn.op.Conv2d.After;
import org.sparsercnn.op.FrozenBatchNorm;
import org.sparsercnn.op.GroupNorm;
import org.sparsercnn.op.SyncBatchNorm;

/**
 * A square convolution with "same" padding, the norm after it, and what ends a residual block: {@code act(norm(conv(x)) +
 * residual)}.
 */
public final class Conv2d {
    private static final double EPS = 1e-5;
    private static final double MOMENTUM = 0.1;

    private final Parameter weight;
    private final Parameter bias;
    private final int stride;
    private final int pad;
    private Norm norm;
    private final long channels;
    // norm.*
    private Parameter gamma;
    private Parameter beta;
    private Parameter mean;
    private Parameter variance;

    public Conv2d(Parameters.Path path, long in, long out, int kernel, int stride, Norm norm) {
        this.weight = path.convWeight("weight", out, in, kernel);
        this.bias = norm == Norm.NONE ? path.weight("bias", out) : null;
        this.stride = stride;
        this.pad = kernel / 2;
        this.norm = norm;
        this.channels = out;
        Parameters.Path at = path.at("norm");
        switch (norm) {
            case NONE -> {}
            case GN -> {
                gamma = at.weight("weight", out);
                beta = at.weight("bias", out);
            }
            case BN, SYNC_BN -> {
                gamma = at.weight("weight", out);
                beta = at.weight("bias", out);
                mean = at.runningStatistic("running_mean", out);
                variance = at.runningStatistic("running_var", out);
            }
            case FROZEN_BN -> {
                gamma = at.buffer("weight", out);
                beta = at.buffer("bias", out);
                mean = at.buffer("running_mean", out);
                variance = at.buffer("running_var", out);
            }
        }
    }

    /** Stops training it; a batch norm keeps its statistics from now on, as detectron2's {@code freeze} does. */
    public void freeze() {
        weight.freeze();
        if (bias != null) {
            bias.freeze();
        }
        if (gamma != null) {
            gamma.freeze();
            beta.freeze();
        }
        if (norm == Norm.BN || norm == Norm.SYNC_BN) {
            mean.freeze();
            variance.freeze();
            norm = Norm.FROZEN_BN;
        }
    }

    public Variable apply(Tape tape, Variable x, boolean relu) {
        return apply(tape, x, relu, null);
    }

    /** @param residual same shape as the output, or null */
    public Variable apply(Tape tape, Variable x, boolean relu, Variable residual) {
        return switch (norm) {
            case NONE -> convolve(tape, x, new After(null, bias.variable(), residual, relu));
            case FROZEN_BN -> {
                var affine = FrozenBatchNorm.fold(tape, gamma.value(), beta.value(), mean.value(), variance.value(), EPS);
                yield convolve(tape, x, new After(affine.scale(), Variable.constant(affine.shift()), residual, relu));
            }
            case BN -> join(tape, BatchNorm.apply(tape, convolve(tape, x, After.NOTHING), gamma.variable(), beta.variable(),
                    mean.value(), variance.value(), tape.momentum(MOMENTUM), EPS, relu && residual == null), residual, relu);
            case SYNC_BN -> join(tape, SyncBatchNorm.apply(tape, convolve(tape, x, After.NOTHING), gamma.variable(), beta.variable(),
                    mean.value(), variance.value(), tape.momentum(MOMENTUM), EPS, relu && residual == null), residual, relu);
            case GN -> join(tape, GroupNorm.apply(tape, convolve(tape, x, After.NOTHING), (int) Math.min(32, channels),
                    gamma.variable(), beta.variable(), EPS, relu && residual == null), residual, relu);
        };
    }

    private Variable convolve(Tape tape, Variable x, After after) {
        return org.sparsercnn.op.Conv2d.apply(tape, x, weight.variable(), stride, pad, after);
    }

    private static Variable join(Tape tape, Variable y, Variable residual, boolean relu) {
        return residual == null ? y : Add.apply(tape, y, residual, relu);
    }
}
