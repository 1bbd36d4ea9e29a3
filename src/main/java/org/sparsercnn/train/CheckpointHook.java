package org.sparsercnn.train;

import java.util.function.LongConsumer;

/** Saves every {@code period} steps; the end of the run is the caller's to save. */
public record CheckpointHook(int period, LongConsumer save) implements Hook {
    @Override
    public boolean needsState(long iteration) {
        return (iteration + 1) % period == 0;
    }

    @Override
    public void afterStep(Progress p) {
        if (needsState(p.iteration()) && !p.isLast()) {
            save.accept(p.iteration());
        }
    }
}
