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
            "trained gradients parts stats factors bias factor_each lr beta1 beta2 eps limit");

    private final Tensor bias;

    public AdamW(Device device, List<Param> params, Clipping clipping) {
        super(device, params, clipping, List.of("exp_avg", "exp_avg_sq"));
        bias = scratch(Shape.of(2));
    }

    @Override
    void update(ParameterTables tables, GradientNorms norms, double limit, double lr) {
        device().kernel(BIAS).ptr(norms.step()).ptr(bias).f64(BETA1).f64(BETA2).overRows(1);
        device().kernel(STEP).ptr(tables.trainedTable()).ptr(tables.gradientTable()).ptr(tables.partTable()).ptr(norms.stats())
                .ptr(norms.factors()).ptr(bias).flag(norms.factorEach()).f64(lr).f64(BETA1).f64(BETA2).f64(EPS).f64(limit)
                .overRows(tables.parts());
    }
}
