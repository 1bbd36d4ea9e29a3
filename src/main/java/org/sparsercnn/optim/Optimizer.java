package org.sparsercnn.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.device.Device;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Updates parameters from their gradients. Clipping, the check for non-finite numbers and the step count happen on the device:
 * {@link #step} queues work and does not wait; a step whose gradients are not finite changes nothing, and {@link #stats} tells.
 */
public abstract sealed class Optimizer implements AutoCloseable permits AdamW, Sgd {
    private static final String STEP = "step";

    private final List<Param> params;
    private final Clipping clipping;
    private final Scope scope;
    private final ParameterTables tables;
    private final GradientNorms norms;
    private final Map<String, Tensor> state = new LinkedHashMap<>();

    /** @param slots names of what is kept for each parameter beside its value, at most two */
    Optimizer(Device device, List<Param> params, Clipping clipping, List<String> slots) {
        this.params = List.copyOf(params);
        this.clipping = clipping;
        this.scope = new Scope(device);
        for (Param p : params) {
            if (!p.value().value().isDense()) {
                throw new IllegalArgumentException("parameter " + p.name() + " is not dense");
            }
        }
        this.tables = new ParameterTables(scope, params);
        this.norms = new GradientNorms(scope, tables, clipping);
        state.put(STEP, norms.step());
        tables.trained(params, slots.stream().map(this::slot).toList());
    }

    public final List<Param> params() {
        return params;
    }

    public final void step(double lr) {
        step(lr, null);
    }

    /**
     * One update from the gradients the parameters hold; a parameter without one is left as it is. The gradients themselves
     * are not changed: clipping happens on the way.
     *
     * @param lr of this step, before each parameter's factor
     * @param loss a scalar; the step is skipped where it is not finite, even with finite gradients. Null: not looked at. Replicas
     *     must pass the same one, or they part
     */
    public final void step(double lr, Tensor loss) {
        tables.gradients(params);
        norms.compute(loss);
        update(tables, norms, clipping.limit(), lr);
    }

    public final void clearGradients() {
        for (Param p : params) {
            p.value().clearGradient();
        }
    }

    /**
     * F32 (2) of the last step: the norm over all gradients before clipping (Euclidean unless clipping by NORM asks for
     * another), and 1 if the step was taken, 0 if it was skipped. Reading it waits for the device.
     */
    public final Tensor stats() {
        return norms.stats();
    }

    /** I64 (1): updates done; a step that was skipped is none. */
    final Tensor updates() {
        return norms.step();
    }

    /**
     * The live state by name, for checkpoints: {@code step}, an I64 (1) counting the updates done, and
     * {@code <parameter>/<slot>} with the slot names of PyTorch, each of its parameter's shape. To load, overwrite the tensors.
     */
    public final Map<String, Tensor> state() {
        return state;
    }

    /** Frees the state. */
    @Override
    public void close() {
        scope.close();
    }

    /** One launch over all parameters, after the norms; {@code norms.step()} counts the step already, if it is taken. */
    abstract void update(ParameterTables tables, GradientNorms norms, double limit, double lr);

    /** A zeroed tensor per parameter, part of the state. */
    private List<Tensor> slot(String name) {
        List<Tensor> tensors = new ArrayList<>();
        for (Param p : params) {
            Tensor t = scratch(p.value().shape());
            t.zero();
            state.put(p.name() + "/" + name, t);
            tensors.add(t);
        }
        return tensors;
    }

    final Tensor scratch(Shape shape) {
        return scope.empty(shape);
    }

    final Device device() {
        return scope.device();
    }
}
