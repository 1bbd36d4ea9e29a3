package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Batch norm over all axes but the last, optionally with ReLU, as {@code torch.nn.BatchNorm2d}. In training it normalises with
 * the batch's mean and biased variance and moves the running statistics towards the batch's mean and unbiased variance; in
 * evaluation it uses the running statistics. A batch without elements, and one whose statistics are not finite, leaves them alone; one
 * of a single row counts with variance 0.
 */
public final class BatchNorm {
    private static final Kernel RUNNING =
            Kernel.of("batch_norm_running_f32", "mean var running_mean running_var cols momentum unbiased");

    private BatchNorm() {}

    /**
     * @param in (…, C)
     * @param gamma (C)
     * @param beta (C)
     * @param runningMean (C), overwritten in training; likewise {@code runningVar}
     * @param momentum share of the batch in the new running statistics; 0.1 in PyTorch
     */
    public static Variable apply(Tape tape, Variable in, Variable gamma, Variable beta, Tensor runningMean, Tensor runningVar,
                                 double momentum, double eps, boolean relu) {
        if (!tape.training()) {
            var folded = FrozenBatchNorm.fold(tape, gamma.value(), beta.value(), runningMean, runningVar, eps);
            return FrozenBatchNorm.apply(tape, in, folded, relu);
        }
        Variable x = Permute.dense(tape, in);
        long rows = x.shape().rows();
        long cols = x.shape().size(-1);
        var plan = new GroupNorm.Plan(1, rows, cols, cols);
        GroupNorm.Statistics batch = plan.statistics(tape, x.value(), eps);
        if (!plan.isEmpty() && momentum > 0) {
            move(tape, batch.mean(), batch.var(), rows > 1 ? rows / (rows - 1.0) : 1, runningMean, runningVar, momentum);
        }
        return GroupNorm.normalise(tape, x, gamma, beta, relu, plan, batch);
    }

    /** Moves running statistics towards {@code mean} and {@code unbiased * var}, where these are finite. */
    static void move(Tape tape, Tensor mean, Tensor var, double unbiased, Tensor runningMean, Tensor runningVar, double momentum) {
        long cols = mean.elements();
        tape.device().kernel(RUNNING).ptr(mean).ptr(var).ptr(runningMean).ptr(runningVar).i64(cols).f64(momentum).f64(unbiased)
                .overElements(cols);
    }
}
