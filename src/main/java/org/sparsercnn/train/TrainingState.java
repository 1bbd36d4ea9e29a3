package org.sparsercnn.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.SolverConfig;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Rng;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.ModelState;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.optim.AdamW;
import org.sparsercnn.optim.Clipping;
import org.sparsercnn.optim.Ema;
import org.sparsercnn.optim.Optimizer;
import org.sparsercnn.optim.Param;
import org.sparsercnn.optim.Sgd;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.util.BadInput;

/**
 * Everything a run must have to go on as if it had never stopped: weights, their average, optimiser, random state, position. The sampler's
 * position is the number of steps done, since batches depend on seed and position alone.
 */
public final class TrainingState implements AutoCloseable {
    private static final String RNG = "rng";
    private static final String SKIPPED = "skipped_steps";

    private final SparseRcnn model;
    private final Optimizer optimizer;
    private final Ema ema; // null: none is kept
    private final Rng rng;
    private long skipped;
    private long skippedInARow;

    public TrainingState(SparseRcnn model, Config config, Rng rng) {
        this.model = model;
        this.optimizer = optimizer(model, config.solver());
        this.ema = config.solver().emaDecay() > 0 ? new Ema(model.parameters(), config.solver().emaDecay()) : null;
        this.rng = rng;
    }

    private static Optimizer optimizer(SparseRcnn model, SolverConfig solver) {
        Map<String, Variable> trainable = new LinkedHashMap<>();
        model.parameters().trainable().forEach(p -> trainable.put(p.name(), p.variable()));
        List<Param> params = Param.published(trainable, solver.weightDecay(), solver.backboneMultiplier());
        var c = solver.clipGradients();
        Clipping clipping = Clipping.of(c.enabled(), c.clipType(), c.clipValue(), c.normType());
        return solver.optimizer().equals("SGD") ? new Sgd(model.device(), params, clipping, solver.momentum(), false)
                : new AdamW(model.device(), params, clipping);
    }

    public Optimizer optimizer() {
        return optimizer;
    }

    /** Takes the optimiser's last step into the average of the weights, if one is kept. */
    void average() {
        if (ema != null) {
            ema.update(optimizer);
        }
    }

    /**
     * The weights to detect with: until the result is closed, the model has the average of its weights, if one is kept, and its own
     * otherwise. Nothing is trained or saved meanwhile.
     */
    public Ema.InPlace averaged() {
        return ema == null ? () -> {} : ema.swap();
    }

    /** Random numbers of the training steps. */
    public Rng rng() {
        return rng;
    }

    /** Steps that changed nothing, because a loss or gradient was not finite. */
    public long skippedSteps() {
        return skipped;
    }

    /** Of those the last ones without another between them. */
    long skippedInARow() {
        return skippedInARow;
    }

    /** Takes note of how a step ended. */
    void count(StepResult step) {
        skipped += step.finite() ? 0 : 1;
        skippedInARow = step.finite() ? 0 : skippedInARow + 1;
    }

    /**
     * @param iteration the last one done
     * @param extra what else to keep
     */
    public TrainingCheckpoint save(long iteration, ObjectNode extra) {
        ObjectNode state = extra.deepCopy();
        state.put(TrainingCheckpoint.ITERATION, iteration);
        state.putObject(RNG).put("seed", rng.seed()).put("counter", rng.counter());
        state.putObject(SKIPPED).put("in_all", skipped).put("in_a_row", skippedInARow);
        StateDict slots = new StateDict();
        optimizer.state().forEach((name, t) -> slots.put(name, t.dtype() == DType.I64 ? HostTensor.of(t.toLongs(), t.shape().toArray())
                : ModelState.exportSlot(owner(name), t.toFloats())));
        StateDict averages = new StateDict();
        if (ema != null) {
            ema.state().forEach((name, t) -> averages.put(name, ModelState.exportSlot(model.parameters().get(name), t.toFloats())));
        }
        return new TrainingCheckpoint(ModelState.export(model.parameters()), slots, averages, state);
    }

    /**
     * Takes up a run where {@code checkpoint} left it.
     *
     * @return the iteration to go on with
     */
    public long restore(TrainingCheckpoint checkpoint) {
        for (Parameter p : model.parameters().all()) {
            p.setPublished(fitting(checkpoint.model().get(p.name()), p.name(), p.publishedShape()).toFloats());
        }
        optimizer.state().forEach((name, t) -> {
            if (t.dtype() == DType.I64) {
                t.set(new long[] {(long) fitting(checkpoint.optimizer().get(name), name, t.shape().toArray()).at(0)});
            } else {
                Parameter p = owner(name);
                t.set(p.memoryOrder(fitting(checkpoint.optimizer().get(name), name, p.publishedShape()).toFloats()));
            }
        });
        if (ema != null && !checkpoint.averages().isEmpty()) {
            ema.state().forEach((name, t) -> {
                Parameter p = model.parameters().get(name);
                t.set(p.memoryOrder(fitting(checkpoint.averages().get(name), "the average of " + name, p.publishedShape()).toFloats()));
            });
            ema.resume();
        }
        rng.restore(checkpoint.state().path(RNG).path("counter").asLong());
        skipped = checkpoint.state().path(SKIPPED).path("in_all").asLong();
        skippedInARow = checkpoint.state().path(SKIPPED).path("in_a_row").asLong();
        return checkpoint.iteration() + 1;
    }

    private static HostTensor fitting(HostTensor tensor, String name, long[] shape) {
        if (tensor == null || !java.util.Arrays.equals(tensor.shape(), shape)) {
            throw BadInput.of("the checkpoint does not fit this config: %s is %s, wanted %s. Resume with the config the run was started with, "
                    + "or start anew with MODEL.WEIGHTS.", name, tensor == null ? "missing" : java.util.Arrays.toString(tensor.shape()), java.util.Arrays.toString(shape));
        }
        return tensor;
    }

    /** The parameter a slot {@code <parameter>/<slot>} belongs to. */
    private Parameter owner(String slot) {
        return model.parameters().get(slot.substring(0, slot.lastIndexOf('/')));
    }

    /**
     * The live tensors that are the same on every rank, by name: all but the running statistics of batch norms, which follow each
     * rank's own batches, and their averages.
     */
    Map<String, Tensor> shared() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        List<Parameter> same = model.parameters().all().stream().filter(p -> !p.isRunningStatistic()).toList();
        same.forEach(p -> all.put(p.name(), p.value()));
        optimizer.state().forEach((name, t) -> all.put("the optimiser's " + name, t));
        if (ema != null) {
            same.stream().filter(Parameter::trainable).forEach(p -> all.put("the average of " + p.name(), ema.state().get(p.name())));
        }
        return all;
    }

    /** Gives every rank the state of rank 0; the average begins with these weights, unless it was restored. */
    public void begin(Collective group) {
        for (Parameter p : model.parameters().all()) {
            group.broadcast(p.value(), p.value().bytes(), 0);
        }
        if (ema != null && !ema.started()) {
            ema.start();
        }
        for (Tensor t : optimizer.state().values()) {
            group.broadcast(t, t.bytes(), 0);
        }
    }

    @Override
    public void close() {
        if (ema != null) {
            ema.close();
        }
        optimizer.close();
    }
}
