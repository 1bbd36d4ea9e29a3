package org.sparsercnn.optim;

import java.util.List;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Stochastic gradient descent as {@code torch.optim.SGD} computes it, dampening 0. */
public final class Sgd extends Optimizer {
    private static final Kernel STEP = Kernel.of("sgd_step_f32",
            "value grad momentum_buffer stats factor n lr momentum nesterov weight_decay limit");

    private final double momentum;
    private final boolean nesterov;
    /** Null without momentum. */
    private final List<Tensor> buffers;

    public Sgd(Device device, List<Param> params, Clipping clipping, double momentum, boolean nesterov) {
        super(device, params, clipping);
        if (nesterov && momentum <= 0) {
            throw new IllegalArgumentException("Nesterov's step needs a momentum, got " + momentum);
        }
        this.momentum = momentum;
        this.nesterov = nesterov;
        this.buffers = momentum == 0 ? null : slot("momentum_buffer");
    }

    @Override
    void prepare(Tensor step) {}

    @Override
    void update(int i, Tensor grad, Scaling scaling, double lr) {
        Param p = params().get(i);
        long n = grad.elements();
        device().kernel(STEP).ptr(p.value().value()).ptr(grad).ptr(buffers == null ? null : buffers.get(i)).ptr(scaling.stats())
                .ptr(scaling.factor()).i64(n).f64(lr).f64(momentum).flag(nesterov).f64(p.weightDecay()).f64(scaling.limit())
                .overElements(n);
    }
}
