// Rectified linear unit: y = max(x, 0). Backward needs only y.
#include "common.cuh"

ARGS_T(ReluFwd, const T* x; T* y; i64 n;)

KERNEL_T(relu_fwd, ReluFwd) {
    KERNEL_LOOP(i, a.n) a.y[i] = T(relu_f(a.x[i]));
}

ARGS_T(ReluBwd, const T* dy; const T* y; T* dx; i64 n;)

KERNEL_T(relu_bwd, ReluBwd) {
    KERNEL_LOOP(i, a.n) a.dx[i] = T(relu_gradient(a.dy[i], a.y[i]));
}
