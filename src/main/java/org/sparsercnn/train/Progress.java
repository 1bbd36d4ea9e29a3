package org.sparsercnn.train;

import org.sparsercnn.data.DataLoader;

/**
 * Where a run stands after a step.
 *
 * @param iteration of the step just done, from 0
 * @param maxIter steps in all
 * @param step with the mean over ranks of each loss
 * @param lr learning rate of the step
 * @param seconds the step took, data included
 * @param dataSeconds waiting for data
 * @param images that the step was made of, on all ranks together
 * @param ranks that share a batch
 * @param exposedSeconds in sums over ranks that no computing hid
 * @param queue how far the data workers were when the step asked for its batch
 * @param skippedSteps so far, for a result that was not finite; of the run before a resume too
 */
public record Progress(long iteration, long maxIter, StepResult step, double lr, double seconds, double dataSeconds, int images, int ranks,
        double exposedSeconds, DataLoader.Queue queue, long skippedSteps) {
    public boolean isLast() {
        return iteration + 1 == maxIter;
    }
}
