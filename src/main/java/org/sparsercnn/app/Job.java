package org.sparsercnn.app;

import org.sparsercnn.config.Config;
import org.sparsercnn.data.AspectRatioGrouping;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.train.Plan;

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

    /**
     * SEED. detectron2 takes a new one each run where it is negative; here that is 0, so that a run can be repeated and resumed:
     * batches and augmentation are functions of the seed and the position.
     */
    long seed() {
        return Math.max(0, config.seed());
    }

    /** One rank's batches from the first iteration on. */
    AspectRatioGrouping batches(int rank) {
        return AspectRatioGrouping.over(data.images(), config.dataLoader().aspectRatioGrouping(), seed(), config.solver().imsPerBatch(), rank,
                options.replicas());
    }
}
