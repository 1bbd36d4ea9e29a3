// Stochastic gradient descent with momentum in the order of torch.optim.SGD (dampening 0).
#include "common.cuh"

// Without momentum the buffer is absent. The gradient is scaled by *factor and cut at +-limit on the way. Nothing changes where
// stats[1] says that gradients are not finite.
ARGS(SgdStep, float* value; const float* grad; float* momentum_buffer; const float* stats; const float* factor; i64 n; double lr;
     double momentum; i64 nesterov; double weight_decay; double limit;)

KERNEL(sgd_step_f32, SgdStep) {
    if (a.stats[1] == 0) return;
    const float factor = *a.factor, limit = (float)a.limit, lr = (float)a.lr, momentum = (float)a.momentum;
    const float decay = (float)a.weight_decay;
    const bool nesterov = a.nesterov != 0;
    float* buffer = a.momentum_buffer;
    KERNEL_LOOP(i, a.n) {
        const float scaled = a.grad[i] * factor, low = scaled < -limit ? -limit : scaled, cut = low > limit ? limit : low;
        const float g = cut + decay * a.value[i];
        float direction = g;
        if (buffer) {
            const float m = momentum * buffer[i] + g;
            buffer[i] = m;
            direction = nesterov ? g + momentum * m : m;
        }
        a.value[i] -= lr * direction;
    }
}
