package org.sparsercnn.optim;

import java.util.List;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Kernel;

/** Stochastic gradient descent as {@code torch.optim.SGD} computes it, dampening 0. */
public final class Sgd extends Optimizer {
    private static final Kernel STEP = Kernel.of("sgd_step_f32",
            "trained gradients parts stats factors factor_each lr momentum nesterov limit");

    private final double momentum;
    private final boolean nesterov;

    public Sgd(Device device, List<Param> params, Clipping clipping, double momentum, boolean nesterov) {
        if (nesterov && momentum <= 0) {
            throw new IllegalArgumentException("Nesterov's step needs a momentum, got " + momentum);
        }
        super(device, params, clipping, momentum == 0 ? List.of() : List.of("momentum_buffer"));
        this.momentum = momentum;
        this.nesterov = nesterov;
    }

    @Override
    void update(ParameterTables tables, GradientNorms norms, double limit, double lr) {
        device().kernel(STEP).ptr(tables.trainedTable()).ptr(tables.gradientTable()).ptr(tables.partTable()).ptr(norms.stats())
                .ptr(norms.factors()).flag(norms.factorEach()).f64(lr).f64(momentum).flag(nesterov).f64(limit).overRows(tables.parts());
    }
}
