// Gaussian error linear unit (Hendrycks and Gimpel 2016), the exact one: y = x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2.
// dy/dx = Phi(x) + x phi(x) with the normal density phi.
#include "common.cuh"

ARGS_T(GeluFwd, const T* x; T* y; i64 n;)

KERNEL_T(gelu_fwd, GeluFwd) {
    KERNEL_LOOP(i, a.n) a.y[i] = T(a.x[i] * (0.5f * (1.0f + erf_f(a.x[i] * 0.707106781f))));
}

ARGS_T(GeluBwd, const T* dy; const T* x; T* dx; i64 n;)

KERNEL_T(gelu_bwd, GeluBwd) {
    KERNEL_LOOP(i, a.n) {
        const float x = a.x[i];
        const float cdf = 0.5f * (1.0f + erf_f(x * 0.707106781f)), density = 0.398942280f * exp_f(-0.5f * x * x);
        a.dx[i] = T(a.dy[i] * (cdf + x * density));
    }
}
