// AdamW (Loshchilov & Hutter 2019) in the order of torch.optim.AdamW.
#include "common.cuh"

// bias = (1 - beta1^t, sqrt(1 - beta2^t)) for step t.
ARGS(AdamWBias, const i64* step; float* bias; double beta1; double beta2;)

KERNEL(adamw_bias_f32, AdamWBias) {
    BLOCK_LEADER {
        const double t = (double)*a.step;
        a.bias[0] = (float)(1 - pow(a.beta1, t));
        a.bias[1] = (float)sqrt(1 - pow(a.beta2, t));
    }
}

// The gradient is scaled by *factor and cut at +-limit on the way. Nothing changes where stats[1] says that gradients are not
// finite.
ARGS(AdamWStep, float* value; const float* grad; float* exp_avg; float* exp_avg_sq; const float* stats; const float* factor;
     const float* bias; i64 n; double lr; double beta1; double beta2; double eps; double weight_decay; double limit;)

KERNEL(adamw_step_f32, AdamWStep) {
    if (a.stats[1] == 0) return;
    const float factor = *a.factor, limit = (float)a.limit, keep = (float)(1 - a.lr * a.weight_decay);
    const float move1 = (float)(1 - a.beta1), beta2 = (float)a.beta2, move2 = (float)(1 - a.beta2), eps = (float)a.eps;
    const float size = (float)(a.lr / (double)a.bias[0]), root_bias = a.bias[1];
    KERNEL_LOOP(i, a.n) {
        const float scaled = a.grad[i] * factor, low = scaled < -limit ? -limit : scaled, g = low > limit ? limit : low;
        const float m = a.exp_avg[i] + (g - a.exp_avg[i]) * move1, v = a.exp_avg_sq[i] * beta2 + g * g * move2;
        a.exp_avg[i] = m;
        a.exp_avg_sq[i] = v;
        a.value[i] = a.value[i] * keep - size * m / (sqrtf(v) / root_bias + eps);
    }
}
