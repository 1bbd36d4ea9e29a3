package org.sparsercnn.train;

import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.GuardStop;

/** Counts steps that were skipped because a loss or gradient was not finite, and ends the run after too many in a row. */
final class NonFiniteGuard {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private final int limit;
    private int inARow;

    NonFiniteGuard(int limit) {
        this.limit = limit;
    }

    /** @param images ids of the step's images, for the message */
    void check(StepResult step, long iteration, double lr, List<Long> images) {
        if (step.finite()) {
            inARow = 0;
            return;
        }
        inARow++;
        String terms = step.losses().entrySet().stream().filter(e -> !Float.isFinite(e.getValue())).map(e -> e.getKey() + " = " + e.getValue())
                .collect(Collectors.joining(", "));
        String what = terms.isEmpty() ? "a gradient is not finite (losses are)" : terms;
        String where = "iteration " + iteration + ", lr " + lr + ", images " + images;
        LOG.warn("step skipped: {}; {} ({} in a row, the run stops at {})", what, where, inARow, limit);
        if (inARow >= limit) {
            throw new GuardStop("stopped after " + inARow + " steps in a row without a finite result: " + what + "; " + where
                    + ". Lower SOLVER.BASE_LR, lengthen SOLVER.WARMUP_ITERS, or look at these images' annotations.");
        }
    }
}
