package org.sparsercnn.train;

import java.util.List;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Rng;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.op.Scale;

/**
 * Batch norm statistics for evaluation (TEST.PRECISE_BN): instead of a moving average over weights that changed meanwhile, the
 * mean over training batches with the weights as they are, of the batches' means and of their unbiased variances, as fvcore's
 * {@code update_bn_stats} of 2020 has it. Synchronised batch norms see the batches of all ranks as one. Nothing but the running
 * statistics changes.
 */
public final class PreciseBn {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final int REPORT = 100;

    private final SparseRcnn model;
    private final Collective group;
    private final DType compute;
    private final Accumulation accumulation;
    private final int iterations;
    private final LongFunction<DataLoader<Sample>> batches;

    /**
     * @param compute as in training
     * @param accumulation as in training: the statistics are those of its parts
     * @param iterations batches of each rank
     * @param batches this rank's training batches for the update after a given iteration, at least {@code iterations}, other ones
     *     than the run trains on; closed after use. A function of the iteration, so that a resumed run sees the same
     */
    public PreciseBn(SparseRcnn model, Collective group, DType compute, Accumulation accumulation, int iterations,
            LongFunction<DataLoader<Sample>> batches) {
        this.model = model;
        this.group = group;
        this.compute = compute;
        this.accumulation = accumulation;
        this.iterations = iterations;
        this.batches = batches;
        if (!hasStatistics() && group.rank() == 0) {
            LOG.info("PreciseBN is disabled because model does not contain BN layers in training mode.");
        }
    }

    private boolean hasStatistics() {
        return !model.parameters().runningStatistics().isEmpty();
    }

    /**
     * Replaces the running statistics; every rank calls it, and all get the same. Does nothing where the model has none.
     *
     * @param iteration the last one done
     */
    public void update(long iteration) {
        if (!hasStatistics()) {
            return;
        }
        if (group.rank() == 0) {
            LOG.info("Running precise-BN for {} iterations", iterations);
        }
        long passes = 0;
        try (DataLoader<Sample> loader = batches.apply(iteration)) {
            for (int i = 1; i <= iterations; i++) {
                List<Sample> batch = loader.next();
                group.getsOn();
                ImageBatch.Size size = ImageBatch.Size.of(Samples.pictures(batch));
                for (List<Sample> part : accumulation.cut(batch)) {
                    takeIn(part, size, ++passes);
                }
                if (i % REPORT == 0 && i < iterations && group.rank() == 0) {
                    LOG.info("Running precise-BN ... {}/{} iterations.", i, iterations);
                }
            }
        }
        if (group.size() > 1) {
            meanOverRanks();
        }
    }

    /** The mean of k values is that of k - 1 with a share of 1/k of the last. */
    private void takeIn(List<Sample> part, ImageBatch.Size size, long passes) {
        try (Tape tape = Tape.statistics(model.device(), new Rng(0), compute, 1.0 / passes, group)) {
            model.pyramid(tape, Samples.part(tape, part, size, model)); // no batch norm comes after it
        }
    }

    private void meanOverRanks() {
        try (Tape tape = Tape.inference(model.device())) {
            for (Parameter p : model.parameters().runningStatistics()) {
                group.allReduceSum(p.value(), p.value().elements());
                p.value().copyFrom(Scale.apply(tape, Variable.constant(p.value()), 1.0 / group.size()).value());
            }
        }
    }
}
