package org.sparsercnn.train;

import java.util.function.LongConsumer;

/** Evaluates every {@code period} steps and after the last; 0 is never. */
public record EvaluationHook(int period, LongConsumer evaluate) implements Hook {
    @Override
    public void afterStep(Progress p) {
        if (period > 0 && (p.iteration() + 1) % period == 0 && !p.isLast()) {
            evaluate.accept(p.iteration());
        }
    }
}
