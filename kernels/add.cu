// y = x + z, element by element, optionally followed by ReLU (the end of a residual block).
#include "common.cuh"

ARGS(Add, const float* x; const float* z; float* y; i64 n; i64 relu;)

KERNEL(add_fwd_f32, Add) {
    if (a.relu) {
        KERNEL_LOOP(i, a.n) a.y[i] = relu_f(a.x[i] + a.z[i]);
    } else {
        KERNEL_LOOP(i, a.n) a.y[i] = a.x[i] + a.z[i];
    }
}
