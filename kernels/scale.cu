// y = x * factor.
#include "common.cuh"

ARGS_T(Scale, const T* x; T* y; i64 n; double factor;)

KERNEL_T(scale_fwd, Scale) {
    const float factor = (float)a.factor;
    KERNEL_LOOP(i, a.n) a.y[i] = T(a.x[i] * factor);
}
