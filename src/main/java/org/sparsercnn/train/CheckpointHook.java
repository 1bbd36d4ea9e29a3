package org.sparsercnn.train;

import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/** Saves every so many steps, and soon after everything saved was lost; the end of the run is the caller's to save. */
public final class CheckpointHook implements Hook {
    private static final int LOOK_PERIOD = 20;

    private final int period;
    private final BooleanSupplier lost;
    private final LongConsumer save;
    /** The step whose state must be saved because the earlier ones were lost. */
    private long due = -1;

    /**
     * @param lost asked every {@value #LOOK_PERIOD} steps whether what was saved is gone
     * @param save is given the iteration just done
     */
    public CheckpointHook(int period, BooleanSupplier lost, LongConsumer save) {
        this.period = period;
        this.lost = lost;
        this.save = save;
    }

    @Override
    public boolean needsState(long iteration) {
        if ((iteration + 1) % LOOK_PERIOD == 0 && iteration != due && lost.getAsBoolean()) {
            due = iteration;
        }
        return iteration == due || (iteration + 1) % period == 0;
    }

    @Override
    public void afterStep(Progress p) {
        if ((p.iteration() == due || (p.iteration() + 1) % period == 0) && !p.isLast()) {
            save.accept(p.iteration());
        }
    }
}
