package org.sparsercnn.train;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.config.SolverConfig;
import org.sparsercnn.util.BadInput;

/**
 * How a replica's batch is worked off: in parts, one after the other, whose gradients add up to those of the whole
 * (SOLVER.ACCUMULATION_STEPS). Only one part's activations are in memory at a time.
 */
public record Accumulation(int parts) {
    /** The batch in one go. */
    public static final Accumulation NONE = new Accumulation(1);

    /** @throws BadInput if a replica has fewer images in a step than there are parts */
    public static Accumulation of(SolverConfig solver, int replicas) {
        int images = solver.imsPerBatch() / replicas;
        if (solver.accumulationSteps() > images) {
            throw BadInput.of("SOLVER.ACCUMULATION_STEPS is %d, but a replica has %d image%s in a step (SOLVER.IMS_PER_BATCH %d over %d); a batch"
                    + " cannot be cut into more parts than images: set SOLVER.ACCUMULATION_STEPS %d, or raise SOLVER.IMS_PER_BATCH",
                    solver.accumulationSteps(), images, images == 1 ? "" : "s", solver.imsPerBatch(), replicas, Math.max(1, images));
        }
        return new Accumulation(solver.accumulationSteps());
    }

    /** Consecutive parts whose sizes differ by at most one, the larger ones first. */
    <T> List<List<T>> cut(List<T> batch) {
        List<List<T>> all = new ArrayList<>(parts);
        int from = 0;
        for (int left = Math.min(parts, batch.size()); left > 0; left--) {
            int to = from + Math.ceilDiv(batch.size() - from, left);
            all.add(batch.subList(from, to));
            from = to;
        }
        return all;
    }
}
