package org.sparsercnn.train;

import java.util.List;
import java.util.function.BooleanSupplier;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Sample;

/** The loop: a batch, a step, the hooks; until the plan is done, someone asks to stop, or a guard ends it. */
public final class Trainer {
    private final TrainingStep step;
    private final Plan plan;
    private final List<Hook> hooks;
    private final NonFiniteGuard guard;
    private long done;

    public Trainer(TrainingStep step, Plan plan, List<Hook> hooks, NonFiniteGuard guard) {
        this.step = step;
        this.plan = plan;
        this.hooks = List.copyOf(hooks);
        this.guard = guard;
    }

    /** Steps done in all, those before {@code start} included; right also after a failure. */
    public long done() {
        return done;
    }

    /**
     * @param start first iteration
     * @param loader its batches, from that iteration on
     * @param stop asked after each step; true finishes the run there. Ranks of a group agree on it
     */
    public void run(long start, DataLoader<Sample> loader, BooleanSupplier stop) {
        done = start;
        try {
            boolean stopping = false;
            while (!stopping && !plan.done(done)) {
                long iteration = done;
                long begin = System.nanoTime();
                List<Sample> batch = loader.next();
                double dataSeconds = (System.nanoTime() - begin) * 1e-9;
                double lr = plan.lr(iteration);
                StepResult result = step.run(batch, lr);
                done++;
                double seconds = (System.nanoTime() - begin) * 1e-9;
                guard.check(result, iteration, lr, batch);
                stopping = step.anyRank(stop.getAsBoolean());
                var progress = new Progress(iteration, stopping ? done : plan.steps(iteration), result, lr, seconds, dataSeconds);
                for (Hook hook : hooks) {
                    hook.afterStep(progress);
                }
            }
        } finally {
            hooks.forEach(Hook::close);
        }
    }
}
