// Logistic function: y = 1 / (1 + e^-x). Backward needs only y.
#include "common.cuh"

ARGS(SigmoidFwd, const float* x; float* y; i64 n;)

KERNEL(sigmoid_fwd_f32, SigmoidFwd) {
    KERNEL_LOOP(i, a.n) a.y[i] = sigmoid_f(a.x[i]);
}

ARGS(SigmoidBwd, const float* dy; const float* y; float* dx; i64 n;)

KERNEL(sigmoid_bwd_f32, SigmoidBwd) {
    KERNEL_LOOP(i, a.n) a.dx[i] = a.dy[i] * (a.y[i] * (1.0f - a.y[i]));
}
