// y = x + z, element by element.
#include "common.cuh"

ARGS(Add, const float* x; const float* z; float* y; i64 n;)

KERNEL(add_fwd_f32, Add) {
    KERNEL_LOOP(i, a.n) a.y[i] = a.x[i] + a.z[i];
}
