package org.sparsercnn.train;

import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.GuardStop;

/** Counts steps that were skipped because a loss or gradient was not finite, and ends the run after too many in a row. */
public final class NonFiniteGuard {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private static final int SHOWN = 3;

    private final int limit;
    private final SparseRcnn model;
    private final TrainingState state;

    /**
     * @param limit skipped steps in a row that end the run
     * @param model to look for the place where numbers cease to be finite
     * @param state where the count is kept, so that a resumed run goes on with it
     */
    public NonFiniteGuard(int limit, SparseRcnn model, TrainingState state) {
        this.limit = limit;
        this.model = model;
        this.state = state;
    }

    /** Whether this guard ended the run. */
    public boolean stopped() {
        return state.skippedInARow() >= limit;
    }

    /** In all. */
    long skippedSteps() {
        return state.skippedSteps();
    }

    /** @throws GuardStop if {@code step} is the last one in a row that may be skipped */
    void check(StepResult step, long iteration, double lr, List<Sample> batch) {
        state.count(step);
        if (step.finite()) {
            return;
        }
        long inARow = state.skippedInARow();
        List<String> terms = step.losses().entrySet().stream().filter(e -> !Float.isFinite(e.getValue()))
                .map(e -> e.getKey() + " = " + e.getValue()).toList();
        String what = terms.isEmpty() ? "a gradient is not finite (losses are)" : terms.stream().limit(SHOWN).collect(Collectors.joining(", "))
                + (terms.size() > SHOWN ? " and " + (terms.size() - SHOWN) + " more losses" : "");
        String where = "iteration " + iteration + ", lr " + GeneralFormat.of(lr, 5) + ", image ids " + batch.stream().map(Sample::imageId).toList();
        LOG.warn("step skipped: {}; {} ({} in a row, the run stops at {}; {} in all)", what, where, inARow, limit, skippedSteps());
        if (stopped()) {
            throw new GuardStop("stopped after " + inARow + " steps in a row without a finite result (" + skippedSteps() + " in all): " + what + "; " + where + "; "
                    + NonFinitePlace.describe(model, batch)
                    + ". Lower SOLVER.BASE_LR, lengthen SOLVER.WARMUP_ITERS, or look at these images and their annotations.");
        }
    }
}
