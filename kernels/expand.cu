// Repeats x (p, c), a parameter and so fp32, for every image of a batch, y (n, p, c); backward adds the images in order.
#include "common.cuh"

ARGS_T(Expand, const float* x; T* y; i64 n; i64 p; i64 c;)

KERNEL_T(expand_fwd, Expand) {
    const float* x = a.x + ROW() % a.p * a.c;
    T* y = a.y + ROW() * a.c;
    BLOCK_LOOP(k, a.c) y[k] = T(x[k]);
}

ARGS_T(ExpandBwd, const T* dy; float* dx; i64 n; i64 p; i64 c;)

KERNEL_T(expand_bwd, ExpandBwd) {
    const i64 row = ROW(), step = a.p * a.c;
    const T* dy = a.dy + row * a.c;
    column_sum(a.c, 0, a.n, a.dx + row * a.c, [=](i64 image, i64 k) { return (float)dy[image * step + k]; });
}
