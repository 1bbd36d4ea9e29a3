package org.sparsercnn.optim;

import java.util.List;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** AdamW (Loshchilov &amp; Hutter, ICLR 2019) as {@code torch.optim.AdamW} computes it: betas 0.9 and 0.999, eps 1e-8. */
public final class AdamW extends Optimizer {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPS = 1e-8;
    private static final Kernel BIAS = Kernel.of("adamw_bias_f32", "step bias beta1 beta2");
    private static final Kernel STEP = Kernel.of("adamw_step_f32",
            "value grad exp_avg exp_avg_sq stats factor bias n lr beta1 beta2 eps weight_decay limit");

    private final List<Tensor> expAvg;
    private final List<Tensor> expAvgSq;
    private final Tensor bias;

    public AdamW(Device device, List<Param> params, Clipping clipping) {
        super(device, params, clipping);
        expAvg = slot("exp_avg");
        expAvgSq = slot("exp_avg_sq");
        bias = scratch(Shape.of(2));
    }

    @Override
    void prepare(Tensor step) {
        device().kernel(BIAS).ptr(step).ptr(bias).f64(BETA1).f64(BETA2).overRows(1);
    }

    @Override
    void update(int i, Tensor grad, Scaling scaling, double lr) {
        Param p = params().get(i);
        long n = grad.elements();
        device().kernel(STEP).ptr(p.value().value()).ptr(grad).ptr(expAvg.get(i)).ptr(expAvgSq.get(i)).ptr(scaling.stats())
                .ptr(scaling.factor()).ptr(bias).i64(n).f64(lr).f64(BETA1).f64(BETA2).f64(EPS).f64(p.weightDecay())
                .f64(scaling.limit()).overElements(n);
    }
}
