package org.sparsercnn.train;

import java.util.List;
import org.sparsercnn.data.Sample;

/**
 * A step that was taken by one rank, and what it was made of.
 *
 * @param randomCounter of the training's random numbers when it began
 * @param objects what the losses were divided by: objects of all ranks' batches over ranks
 * @param totalOfRanks the sum of all ranks' losses
 * @param queuedBehind how many more steps had been queued when this one's result came
 */
record Attempt(long iteration, List<Sample> batch, double lr, long randomCounter, double objects, double totalOfRanks, int queuedBehind,
        StepResult result) {
    /** Whether the trouble may be this rank's: its own losses are not finite, or a gradient is not, which all ranks share. */
    boolean concernsThisRank() {
        return !Double.isFinite(result.total()) || Double.isFinite(totalOfRanks);
    }

    List<Long> imageIds() {
        return batch.stream().map(Sample::imageId).toList();
    }
}
