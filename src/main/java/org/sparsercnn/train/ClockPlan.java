package org.sparsercnn.train;

import java.util.function.LongSupplier;

/**
 * Trains for a given time: linear warm-up over the first steps, the learning rate cut to a tenth for the last 15 % of the
 * time. The clock starts with the first step.
 */
public final class ClockPlan implements Plan {
    private static final double CUT_AT = 0.85;

    private final double baseLr;
    private final int warmupSteps;
    private final double seconds;
    private final LongSupplier nanos;
    private long start = -1;

    /** @param nanos a clock that never runs backward, {@code System::nanoTime} */
    public ClockPlan(double baseLr, int warmupSteps, double seconds, LongSupplier nanos) {
        this.baseLr = baseLr;
        this.warmupSteps = warmupSteps;
        this.seconds = seconds;
        this.nanos = nanos;
    }

    /** Share of the time that is over. */
    private double progress() {
        if (start < 0) {
            start = nanos.getAsLong();
        }
        return (nanos.getAsLong() - start) * 1e-9 / seconds;
    }

    @Override
    public double lr(long iteration) {
        return baseLr * Math.min(1, (iteration + 1.0) / warmupSteps) * (progress() > CUT_AT ? 0.1 : 1);
    }

    @Override
    public boolean done(long iteration) {
        return progress() >= 1;
    }

    @Override
    public String length() {
        return GeneralFormat.of(seconds / 60, 3) + " minutes";
    }

    @Override
    public long steps(long iteration) {
        double p = progress();
        return p <= 0 ? iteration + 2 : Math.max(iteration + 1, Math.round((iteration + 1) / Math.min(1, p)));
    }
}
