package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * {@link BatchNorm} whose statistics in training, and the sums of its backward pass, go over the rows of all ranks, as
 * {@code torch.nn.SyncBatchNorm}. Ranks may have different numbers of rows, or none. The gradients of gamma and beta are those of this
 * rank's rows: like any parameter's they are still to be summed over ranks.
 */
public final class SyncBatchNorm {
    private static final Kernel SUMS = Kernel.of("sync_batch_norm_sums_f32", "mean sums rows cols");
    private static final Kernel MOMENTS = Kernel.of("sync_batch_norm_moments_f32", "sums mean var moments rows cols");
    private static final Kernel STATS = Kernel.of("sync_batch_norm_stats_f32", "sums moments mean rstd unbiased cols eps");
    private static final Kernel SHARE = Kernel.of("sync_batch_norm_share_f32", "sums count rows cols");

    private SyncBatchNorm() {}

    /** As {@link BatchNorm#apply}; in training every rank of {@link Tape#group} calls it, and its backward pass. */
    public static Variable apply(Tape tape, Variable in, Variable gamma, Variable beta, Tensor runningMean, Tensor runningVar,
                                 double momentum, double eps, boolean relu) {
        return tape.training() && tape.group().size() > 1
                ? synchronise(tape, in, gamma, beta, runningMean, runningVar, momentum, eps, relu)
                : BatchNorm.apply(tape, in, gamma, beta, runningMean, runningVar, momentum, eps, relu);
    }

    static Variable synchronise(Tape tape, Variable in, Variable gamma, Variable beta, Tensor runningMean, Tensor runningVar,
                                double momentum, double eps, boolean relu) {
        Collective group = tape.group();
        Variable x = Permute.dense(tape, in);
        long rows = x.shape().rows();
        long cols = x.shape().size(-1);
        var plan = new GroupNorm.Plan(1, rows, cols, cols);
        GroupNorm.Statistics own = plan.statistics(tape, x.value(), eps);

        Tensor sums = tape.empty(cols + 1);
        tape.device().kernel(SUMS).ptr(own.mean()).ptr(sums).i64(rows).i64(cols).overElements(cols + 1);
        group.allReduceSum(sums, cols + 1);
        Tensor moments = tape.empty(2, cols);
        tape.device().kernel(MOMENTS).ptr(sums).ptr(own.mean()).ptr(own.var()).ptr(moments).i64(rows).i64(cols).overElements(cols);
        group.allReduceSum(moments, 2 * cols);
        Shape shape = own.mean().shape(); // and the variance is the unbiased one: nothing but the running statistics reads it
        var all = new GroupNorm.Statistics(tape.empty(shape), tape.empty(shape), tape.empty(shape));
        tape.device().kernel(STATS).ptr(sums).ptr(moments).ptr(all.mean()).ptr(all.rstd()).ptr(all.var()).i64(cols).f64(eps)
                .overElements(cols);
        if (momentum > 0) {
            BatchNorm.move(tape, all.mean(), all.var(), 1, runningMean, runningVar, momentum);
        }

        Tensor count = sums.narrow(0, cols, 1);
        return GroupNorm.normalise(tape, x, gamma, beta, relu, plan, all, gradientSums -> {
            group.allReduceSum(gradientSums, 2 * cols);
            tape.device().kernel(SHARE).ptr(gradientSums).ptr(count).i64(rows).i64(cols).overElements(2 * cols);
        }, count);
    }
}
