package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.util.BadInput;

/**
 * What a run writes of its model. While it trains, a disk that is full or a folder that was deleted costs a checkpoint, not the run:
 * the older ones stay as they are, and the next one is tried again. At the end a failure is the caller's.
 */
final class Saves {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private final RunFolder folder;
    private final Checkpoints checkpoints;
    private final BestScore best;
    private final LongFunction<TrainingCheckpoint> state;

    /** @param state what there is to save when so many-th iteration is the last one done */
    Saves(RunFolder folder, Checkpoints checkpoints, BestScore best, LongFunction<TrainingCheckpoint> state) {
        this.folder = folder;
        this.checkpoints = checkpoints;
        this.best = best;
        this.state = state;
    }

    /** Whether everything saved so far is gone, so that a checkpoint is due. */
    boolean lost() {
        boolean lost = folder.wasLost();
        if (lost) {
            best.lost();
        }
        return lost;
    }

    /** @return whether it could be saved */
    boolean periodic(long iteration) {
        lost();
        return attempt(() -> checkpoints.savePeriodic(state.apply(iteration)));
    }

    /** @return whether it could be saved */
    boolean best(long iteration) {
        lost();
        return attempt(() -> checkpoints.saveBest(state.apply(iteration)));
    }

    private static boolean attempt(Runnable save) {
        try {
            save.run();
            return true;
        } catch (BadInput e) {
            LOG.warn("{}. The run goes on, and the next checkpoint is tried as planned.", e.getMessage());
            return false;
        }
    }

    /**
     * @param complete the run has come to its end: model_final; else a checkpoint to go on from
     * @throws BadInput if it cannot be written
     */
    Path last(long iteration, boolean complete) {
        lost();
        TrainingCheckpoint last = state.apply(iteration);
        return complete ? checkpoints.saveFinal(last) : checkpoints.savePeriodic(last);
    }
}
