package org.sparsercnn.train;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Sample;

/**
 * The loop: a batch, a step, the hooks; until the plan is done, someone asks to stop, or a guard ends it. A device that works
 * behind the caller is given up to two steps ahead, so that it never waits for the host: guard and hooks then hear of a step
 * that late, in order. Before a hook that {@linkplain Hook#needsState needs the state}, and at the end, all results are awaited.
 */
public final class Trainer {
    /** How many steps may be queued behind one whose result is not known. */
    private static final int AHEAD = 2;

    /** A step whose result is to come. Its batch is kept for the guard. */
    private record Turn(long iteration, List<Sample> batch, double lr, PendingStep step, double seconds, double dataSeconds,
            DataLoader.Queue queue) {}

    private final TrainingStep step;
    private final Plan plan;
    private final List<Hook> hooks;
    private final NonFiniteGuard guard;
    private final Deque<Turn> pending = new ArrayDeque<>();
    private long done;
    /** The run ends after so many steps, as far as it is known. */
    private long end;

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
     * @param stop asked with each step; true finishes the run there. With several ranks on devices that work behind the caller, two
     *     steps later: they see results at different times, and must end with the same step
     */
    public void run(long start, DataLoader<Sample> loader, BooleanSupplier stop) {
        done = start;
        end = Long.MAX_VALUE;
        try {
            while (done < end && !plan.done(done)) {
                launch(loader, stop);
                boolean exact = needState(done - 1);
                while (!pending.isEmpty() && (exact || pending.size() > AHEAD || pending.peek().step.isDone())) {
                    finish(pending.poll());
                }
            }
            end = done;
            while (!pending.isEmpty()) {
                finish(pending.poll());
            }
        } finally {
            pending.forEach(turn -> turn.step.close());
            pending.clear();
            hooks.forEach(Hook::close);
        }
    }

    private void launch(DataLoader<Sample> loader, BooleanSupplier stop) {
        long begin = System.nanoTime();
        try {
            boolean alone = step.ranks() == 1;
            DataLoader.Queue queue = loader.queue();
            List<Sample> batch = loader.next();
            double dataSeconds = seconds(begin);
            double lr = plan.lr(done);
            PendingStep queued = step.run(batch, lr, !alone && stop.getAsBoolean());
            long iteration = done++;
            if (pending.size() >= AHEAD) {
                pending.peek().step.await(); // so that the time below is that of a step, not of queueing it
            }
            pending.add(new Turn(iteration, batch, lr, queued, seconds(begin), dataSeconds, queue));
            if (alone && stop.getAsBoolean()) {
                end = done;
            }
        } catch (RuntimeException | Error e) { // of the data or the device: what was queued before is done
            settle(e);
            throw e;
        }
    }

    private void settle(Throwable failure) {
        try {
            while (!pending.isEmpty()) {
                finish(pending.poll());
            }
        } catch (RuntimeException | Error e) {
            failure.addSuppressed(e);
        }
    }

    private boolean needState(long iteration) {
        for (Hook hook : hooks) {
            if (hook.needsState(iteration)) {
                return true;
            }
        }
        return false;
    }

    private void finish(Turn turn) {
        turn.step.await();
        if (step.ranks() > 1 && turn.step.stopAsked()) {
            end = Math.min(end, turn.iteration + 1 + (step.runsBehind() ? AHEAD : 0));
        }
        guard.check(turn.step.attempt(turn.iteration, turn.batch, turn.lr, step.ranks(), pending.size()));
        long steps = Math.max(done, Math.min(end, plan.steps(turn.iteration)));
        var progress = new Progress(turn.iteration, steps, turn.step.ofAllRanks(), turn.lr, turn.seconds, turn.dataSeconds, turn.batch.size() * step.ranks(),
                step.ranks(), turn.step.exposedSeconds(), turn.queue, guard.skippedSteps());
        for (Hook hook : hooks) {
            hook.afterStep(progress);
        }
    }

    private static double seconds(long begin) {
        return (System.nanoTime() - begin) * 1e-9;
    }
}
