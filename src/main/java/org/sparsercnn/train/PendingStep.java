package org.sparsercnn.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Readback;

/** A training step that is queued: its numbers are on their way from the device. */
public final class PendingStep implements AutoCloseable {
    private final Collective group;
    private final Readback readback;
    private final List<String> names;
    private final long randomCounter;
    private final Collective.Timed exposed;
    private StepResult result;
    private StepResult ofAllRanks;
    private boolean stop;
    private double objects;
    private double totalOfRanks;
    private double exposedSeconds;

    /**
     * @param readback of the tensor that {@link TrainingStep.Report} describes
     * @param randomCounter of the training's random numbers when the step began
     * @param exposed see {@link GradientBuckets#exposed}
     */
    PendingStep(Collective group, Readback readback, List<String> names, long randomCounter, Collective.Timed exposed) {
        this.group = group;
        this.readback = readback;
        this.names = names;
        this.randomCounter = randomCounter;
        this.exposed = exposed;
    }

    /** Whether {@link #await} would not wait. */
    public boolean isDone() {
        return result != null || readback.isDone();
    }

    /** With this rank's own losses. */
    public StepResult await() {
        if (result == null) {
            MemorySegment numbers = group.await(readback);
            result = result(numbers, TrainingStep.Report.TERMS, 1);
            ofAllRanks = group.size() == 1 ? result : result(numbers, TrainingStep.Report.sums(names.size()), group.size());
            stop = number(numbers, TrainingStep.Report.STOP) != 0;
            objects = number(numbers, TrainingStep.Report.OBJECTS);
            totalOfRanks = number(numbers, TrainingStep.Report.total(names.size()));
            exposedSeconds = exposed.seconds();
            readback.close();
        }
        return result;
    }

    /** @param terms where they stand; {@code ranks} of each are in it */
    private StepResult result(MemorySegment numbers, int terms, int ranks) {
        Map<String, Float> losses = new LinkedHashMap<>();
        double total = 0;
        for (int i = 0; i < names.size(); i++) {
            float term = number(numbers, terms + i) / ranks;
            losses.put(names.get(i), term);
            total += term;
        }
        int stats = TrainingStep.Report.stats(names.size());
        return new StepResult(losses, total, number(numbers, stats), number(numbers, stats + 1) != 0);
    }

    /** With the mean over ranks of each loss, as it is logged; the same on all. */
    StepResult ofAllRanks() {
        await();
        return ofAllRanks;
    }

    /** The step that is done, for the guard. */
    Attempt attempt(long iteration, List<Sample> batch, double lr, int ranks, int queuedBehind) {
        await();
        return new Attempt(iteration, batch, lr, randomCounter, objects / ranks, totalOfRanks, queuedBehind, result);
    }

    private static float number(MemorySegment numbers, int index) {
        return numbers.getAtIndex(ValueLayout.JAVA_FLOAT, index);
    }

    /** Whether some rank asked to stop when it began this step; every rank gets the same answer. */
    boolean stopAsked() {
        await();
        return stop;
    }

    /** Seconds in sums over ranks that no computing hid. */
    double exposedSeconds() {
        return exposedSeconds;
    }

    /** Gives up the result if nobody has taken it. */
    @Override
    public void close() {
        if (result == null) {
            readback.close();
        }
    }
}
