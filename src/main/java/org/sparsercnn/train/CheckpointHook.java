package org.sparsercnn.train;

import java.util.function.LongConsumer;

/** Saves every {@code period} steps; the end of the run is the caller's to save. */
public record CheckpointHook(int period, LongConsumer save) implements Hook {
    @Override
    public void afterStep(Progress p) {
        if ((p.iteration() + 1) % period == 0 && !p.isLast()) {
            save.accept(p.iteration());
        }
    }
}
