package org.sparsercnn.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Rng;
import org.sparsercnn.io.ModelState;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.optim.Optimizer;

/** Everything a run must have to go on as if it had never stopped: weights, optimiser, random state, position. */
public final class TrainingState {
    private static final String RNG = "rng_counter";

    private final SparseRcnn model;
    private final Optimizer optimizer;
    private final Rng rng;

    public TrainingState(SparseRcnn model, Config config, Rng rng) {
        this.model = model;
        this.optimizer = new Optimizer(model.parameters().trainable(), false);
        this.rng = rng;
    }

    public Optimizer optimizer() {
        return optimizer;
    }

    /** @param extra what else to keep beside the iteration and the random state */
    public TrainingCheckpoint save(long iteration, ObjectNode extra) {
        ObjectNode state = extra.deepCopy();
        state.put(TrainingCheckpoint.ITERATION, iteration);
        state.put(RNG, rng.counter());
        return new TrainingCheckpoint(ModelState.export(model.parameters()), new StateDict(), state);
    }

    /** @return the iteration to go on with */
    public long restore(TrainingCheckpoint checkpoint) {
        return checkpoint.iteration() + 1;
    }

    /** Gives every rank the parameters of rank 0. */
    public void broadcast(Collective group) {
        for (Parameter p : model.parameters().all()) {
            group.broadcast(p.value(), p.value().bytes(), 0);
        }
    }
}
