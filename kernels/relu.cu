// Rectified linear unit: y = max(x, 0). Backward needs only y.
#include "common.cuh"

ARGS(ReluFwd, const float* x; float* y; i64 n;)

KERNEL(relu_fwd_f32, ReluFwd) {
    KERNEL_LOOP(i, a.n) a.y[i] = relu_f(a.x[i]);
}

ARGS(ReluBwd, const float* dy; const float* y; float* dx; i64 n;)

KERNEL(relu_bwd_f32, ReluBwd) {
    KERNEL_LOOP(i, a.n) a.dx[i] = relu_gradient(a.dy[i], a.y[i]);
}
