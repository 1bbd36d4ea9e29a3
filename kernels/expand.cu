// Repeats x (p, c) for every image of a batch, y (n, p, c); backward adds the images in order.
#include "common.cuh"

ARGS(Expand, const float* x; float* y; i64 n; i64 p; i64 c;)

KERNEL(expand_fwd_f32, Expand) {
    const float* x = a.x + ROW() % a.p * a.c;
    float* y = a.y + ROW() * a.c;
    BLOCK_LOOP(k, a.c) y[k] = x[k];
}

ARGS(ExpandBwd, const float* dy; float* dx; i64 n; i64 p; i64 c;)

KERNEL(expand_bwd_f32, ExpandBwd) {
    const i64 row = ROW(), step = a.p * a.c;
    const float* dy = a.dy + row * a.c;
    column_sum(a.c, 0, a.n, a.dx + row * a.c, [=](i64 image, i64 k) { return dy[image * step + k]; });
}
