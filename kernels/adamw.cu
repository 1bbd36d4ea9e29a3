// AdamW (Loshchilov & Hutter 2019) in the order of torch.optim.AdamW.
#include "parameters.cuh"

// bias = (1 - beta1^t, sqrt(1 - beta2^t)) for step t.
ARGS(AdamWBias, const i64* step; float* bias; double beta1; double beta2;)

KERNEL(adamw_bias_f32, AdamWBias) {
    BLOCK_LEADER {
        const double t = (double)*a.step;
        a.bias[0] = (float)(1 - pow(a.beta1, t));
        a.bias[1] = (float)sqrt(1 - pow(a.beta2, t));
    }
}

// A row is a part of a parameter, whose slots are the two moments. The gradient is scaled by its factor (one for all, or one each)
// and cut at +-limit on the way. Nothing changes where stats[1] says that gradients are not finite, or where there is no gradient.
ARGS(AdamWStep, const Trained* trained; const Gradient* gradients; const Part* parts; const float* stats; const float* factors;
     const float* bias; i64 factor_each; double lr; double beta1; double beta2; double eps; double limit;)

KERNEL(adamw_step_f32, AdamWStep) {
    const Part part = a.parts[ROW()];
    const Trained t = a.trained[part.parameter];
    const float* grad = a.gradients[part.parameter].values;
    if (a.stats[1] == 0 || !grad) return;
    const double rate = a.lr * t.lr_factor;
    const float factor = a.factors[a.factor_each ? part.parameter : 0], limit = (float)a.limit;
    const float keep = (float)(1 - rate * t.weight_decay), eps = (float)a.eps;
    const float move1 = (float)(1 - a.beta1), beta2 = (float)a.beta2, move2 = (float)(1 - a.beta2);
    const float size = (float)(rate / (double)a.bias[0]), root_bias = a.bias[1];
    float *value = t.value + part.first, *exp_avg = t.slot0 + part.first, *exp_avg_sq = t.slot1 + part.first;
    grad += part.first;
    BLOCK_LOOP(i, part.length) {
        const float scaled = grad[i] * factor, low = scaled < -limit ? -limit : scaled, g = low > limit ? limit : low;
        const float m = exp_avg[i] + (g - exp_avg[i]) * move1, v = exp_avg_sq[i] * beta2 + g * g * move2;
        exp_avg[i] = m;
        exp_avg_sq[i] = v;
        value[i] = value[i] * keep - size * m / (sqrtf(v) / root_bias + eps);
    }
}
