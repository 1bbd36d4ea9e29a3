// Stochastic gradient descent with momentum in the order of torch.optim.SGD (dampening 0).
#include "parameters.cuh"

// A row is a part of a parameter, whose slot is the momentum buffer; without momentum there is none. The gradient is scaled by its
// factor (one for all, or one each) and cut at +-limit on the way. Nothing changes where stats[1] says that gradients are not
// finite, or where there is no gradient.
ARGS(SgdStep, const Trained* trained; const Gradient* gradients; const Part* parts; const float* stats; const float* factors;
     i64 factor_each; double lr; double momentum; i64 nesterov; double limit;)

KERNEL(sgd_step_f32, SgdStep) {
    const Part part = a.parts[ROW()];
    const Trained t = a.trained[part.parameter];
    const float* grad = a.gradients[part.parameter].values;
    if (a.stats[1] == 0 || !grad) return;
    const float factor = a.factors[a.factor_each ? part.parameter : 0], limit = (float)a.limit;
    const float lr = (float)(a.lr * t.lr_factor), momentum = (float)a.momentum, decay = (float)t.weight_decay;
    const bool nesterov = a.nesterov != 0;
    float *value = t.value + part.first, *buffer = t.slot0 ? t.slot0 + part.first : nullptr;
    grad += part.first;
    BLOCK_LOOP(i, part.length) {
        const float scaled = grad[i] * factor, low = scaled < -limit ? -limit : scaled, cut = low > limit ? limit : low;
        const float g = cut + decay * value[i];
        float direction = g;
        if (buffer) {
            const float m = momentum * buffer[i] + g;
            buffer[i] = m;
            direction = nesterov ? g + momentum * m : m;
        }
        value[i] -= lr * direction;
    }
}
