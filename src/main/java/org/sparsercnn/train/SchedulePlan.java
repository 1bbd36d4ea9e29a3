package org.sparsercnn.train;

import org.sparsercnn.config.SolverConfig;
import org.sparsercnn.optim.LrSchedule;

/** SOLVER.MAX_ITER steps with the config's schedule. */
public final class SchedulePlan implements Plan {
    private final LrSchedule schedule;
    private final long steps;

    public SchedulePlan(SolverConfig solver) {
        this.steps = solver.maxIter();
        this.schedule = switch (solver.lrSchedulerName()) {
            case "WarmupCosineLR" -> LrSchedule.cosine(solver.baseLr(), solver.maxIter(), warmup(solver));
            default -> LrSchedule.multiStep(solver.baseLr(), solver.steps(), solver.gamma(), warmup(solver));
        };
    }

    private static LrSchedule.Warmup warmup(SolverConfig s) {
        return new LrSchedule.Warmup(s.warmupMethod(), s.warmupIters(), s.warmupFactor());
    }

    @Override
    public double lr(long iteration) {
        return schedule.lr(iteration);
    }

    @Override
    public boolean done(long iteration) {
        return iteration >= steps;
    }

    @Override
    public String length() {
        return steps + " iterations";
    }

    @Override
    public long steps(long iteration) {
        return steps;
    }
}
