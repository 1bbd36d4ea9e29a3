// y = x * factor.
#include "common.cuh"

ARGS(Scale, const float* x; float* y; i64 n; double factor;)

KERNEL(scale_fwd_f32, Scale) {
    const float factor = (float)a.factor;
    KERNEL_LOOP(i, a.n) a.y[i] = a.x[i] * factor;
}
