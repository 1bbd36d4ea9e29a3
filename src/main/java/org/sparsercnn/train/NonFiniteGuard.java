package org.sparsercnn.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.device.Collective;
import org.sparsercnn.io.ModelState;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/**
 * Counts steps that were skipped because a loss or gradient was not finite, and ends the run after too many in a row; the last
 * one is kept in a {@linkplain FailedStep file}.
 */
public final class NonFiniteGuard {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private static final int SHOWN = 3;

    private final int limit;
    private final TrainingStep step;
    private final TrainingState state;
    private final Path folder;
    private final String config;

    /**
     * @param limit skipped steps in a row that end the run
     * @param folder where the last of them is kept
     * @param config its text
     */
    public NonFiniteGuard(int limit, TrainingStep step, Path folder, String config) {
        this.limit = limit;
        this.step = step;
        this.state = step.state();
        this.folder = folder;
        this.config = config;
    }

    /** Whether this guard ended the run. */
    public boolean stopped() {
        return state.skippedInARow() >= limit;
    }

    /** In all. */
    long skippedSteps() {
        return state.skippedSteps();
    }

    /** @throws GuardStop if {@code attempt} is the last one in a row that may be skipped */
    void check(Attempt attempt) {
        state.count(attempt.result());
        if (attempt.result().finite()) {
            return;
        }
        long inARow = state.skippedInARow();
        String what = what(attempt.result());
        String where = "iteration " + attempt.iteration() + ", lr " + GeneralFormat.of(attempt.lr(), 5) + ", image ids " + attempt.imageIds();
        LOG.warn("step skipped: {}; {} ({} in a row, the run stops at {}; {} in all)", what, where, inARow, limit, skippedSteps());
        if (stopped()) {
            Collective group = step.group();
            if (!attempt.concernsThisRank()) {
                group.barrier(); // another one's losses are not finite: it has more to say, and its end ends this
            }
            group.alone(() -> stop(attempt, inARow, what, where));
        }
    }

    private void stop(Attempt attempt, long inARow, String what, String where) {
        String kept = keep(attempt, step.group());
        throw new GuardStop("stopped after " + inARow + " steps in a row without a finite result (" + skippedSteps() + " in all): " + what + "; "
                + where + "; " + NonFinitePlace.describe(step.alone(), attempt) + ". " + kept
                + " Lower SOLVER.BASE_LR, lengthen SOLVER.WARMUP_ITERS, or look at these images and their annotations.");
    }

    private static String what(StepResult result) {
        List<String> terms = result.losses().entrySet().stream().filter(e -> !Float.isFinite(e.getValue()))
                .map(e -> e.getKey() + " = " + e.getValue()).toList();
        return terms.isEmpty() ? "a gradient is not finite (losses are)" : terms.stream().limit(SHOWN).collect(Collectors.joining(", "))
                + (terms.size() > SHOWN ? " and " + (terms.size() - SHOWN) + " more losses" : "");
    }

    /** What the message says of the file; that it could not be written must not hide why the run stops. */
    private String keep(Attempt attempt, Collective group) {
        String rank = group.size() > 1 ? "_rank" + group.rank() : "";
        Path file = folder.resolve(String.format(Locale.ROOT, "nonfinite_%07d%s.safetensors", attempt.iteration(), rank));
        try {
            new FailedStep(attempt, state.rng().seed(), config, ModelState.export(step.model().parameters())).write(file);
            return "The step is kept in " + file + ": take it again with train --replay " + file + ".";
        } catch (BadInput e) {
            return "The step could not be kept (" + e.getMessage() + ").";
        }
    }
}
