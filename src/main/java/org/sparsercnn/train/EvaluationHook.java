package org.sparsercnn.train;

import java.util.function.LongConsumer;

/** Evaluates every {@code period} steps, 0 for never; after the last step the caller does. */
public record EvaluationHook(int period, LongConsumer evaluate) implements Hook {
    @Override
    public boolean needsState(long iteration) {
        return period > 0 && (iteration + 1) % period == 0;
    }

    @Override
    public void afterStep(Progress p) {
        if (needsState(p.iteration()) && !p.isLast()) {
            evaluate.accept(p.iteration());
        }
    }
}
