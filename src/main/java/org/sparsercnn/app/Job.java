package org.sparsercnn.app;

import org.sparsercnn.config.Config;
import org.sparsercnn.data.AspectRatioGrouping;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Sample;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.train.Plan;
import org.sparsercnn.util.CounterRandom;

/**
 * A training that is about to start: what its replicas share.
 *
 * @param config with everything derived: learning rate, number of classes
 * @param plan ends early where {@code best} says so
 * @param start puts the first values into a model
 * @param progress where the run shows how far it is
 */
record Job(Config config, Training.Options options, Training.Course course, Plan plan, Interrupts interrupts, RunFolder folder,
        Checkpoints checkpoints, BestScore best, Dataset data, Evaluation evaluation, StartingPoint start, ProgressLine progress) {

    private static final long APART = 0x7072656369736542L; // keeps these draws apart from the run's own

    /**
     * SEED. detectron2 takes a new one each run where it is negative; here that is 0, so that a run can be repeated and resumed:
     * batches and augmentation are functions of the seed and the position.
     */
    long seed() {
        return Math.max(0, config.seed());
    }

    /** One rank's batches from the first iteration on. */
    AspectRatioGrouping batches(int rank) {
        return batches(rank, seed());
    }

    private AspectRatioGrouping batches(int rank, long seed) {
        return AspectRatioGrouping.over(data.images(), config.dataLoader().aspectRatioGrouping(), seed, config.solver().imsPerBatch(), rank,
                options.replicas());
    }

    /** One rank's training batches for something else than training, drawn for each iteration anew. */
    DataLoader<Sample> batchesApart(int rank, long iteration) {
        long apart = CounterRandom.of(seed(), APART, iteration).nextLong();
        return Datasets.loader(config.dataLoader(), batches(rank, apart), data, DatasetMapper.forTraining(config.input(), apart)::map);
    }
}
