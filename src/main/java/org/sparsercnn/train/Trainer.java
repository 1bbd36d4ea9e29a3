package org.sparsercnn.train;

import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Sample;

/** The loop: a batch, a step, the hooks; until the plan is done, someone asks to stop, or a guard ends it. */
public final class Trainer {
    private final TrainingStep step;
    private final DataLoader<Sample> loader;
    private final Plan plan;
    private final List<Hook> hooks;
    private final NonFiniteGuard guard;
    private final LongSupplier peakBytes;

    /** @param nonFiniteSteps skipped steps in a row that end the run */
    public Trainer(TrainingStep step, DataLoader<Sample> loader, Plan plan, List<Hook> hooks, int nonFiniteSteps, LongSupplier peakBytes) {
        this.step = step;
        this.loader = loader;
        this.plan = plan;
        this.hooks = List.copyOf(hooks);
        this.guard = new NonFiniteGuard(nonFiniteSteps);
        this.peakBytes = peakBytes;
    }

    /**
     * @param start first iteration
     * @param stop asked after each step; true finishes the run there. Ranks of a group agree on it
     * @return the number of steps done in all, {@code start} included
     */
    public long run(long start, BooleanSupplier stop) {
        long iteration = start;
        try {
            while (!plan.done(iteration)) {
                long begin = System.nanoTime();
                List<Sample> batch = loader.next();
                double dataSeconds = (System.nanoTime() - begin) * 1e-9;
                double lr = plan.lr(iteration);
                StepResult result = step.run(batch, lr);
                double seconds = (System.nanoTime() - begin) * 1e-9;
                guard.check(result, iteration, lr, batch.stream().map(Sample::imageId).toList());
                boolean stopping = step.anyRank(stop.getAsBoolean());
                var progress = new Progress(iteration, stopping ? iteration + 1 : plan.steps(iteration), result, lr, seconds, dataSeconds,
                        peakBytes.getAsLong());
                for (Hook hook : hooks) {
                    hook.afterStep(progress);
                }
                iteration++;
                if (stopping) {
                    break;
                }
            }
            return iteration;
        } finally {
            hooks.forEach(Hook::close);
        }
    }
}
