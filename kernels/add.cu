// y = x + z, element by element, optionally followed by ReLU (the end of a residual block).
#include "common.cuh"

ARGS_T(Add, const T* x; const T* z; T* y; i64 n; i64 relu;)

KERNEL_T(add_fwd, Add) {
    if (a.relu) {
        KERNEL_LOOP(i, a.n) a.y[i] = T(relu_f(a.x[i] + a.z[i]));
    } else {
        KERNEL_LOOP(i, a.n) a.y[i] = T(a.x[i] + a.z[i]);
    }
}
