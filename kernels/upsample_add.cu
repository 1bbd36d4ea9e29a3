// The top-down step of a feature pyramid (Lin et al. 2017): y = lateral + top, each pixel of top standing for 2 x 2 of y.
// top (n, h, w, c), lateral and y (n, 2h, 2w, c).
#include "common.cuh"

ARGS(UpsampleAddFwd, const float* top; const float* lateral; float* y; i64 h; i64 w; i64 c;)

// One block per output pixel.
KERNEL(upsample_add_fwd_f32, UpsampleAddFwd) {
    const i64 pixel = ROW(), row = pixel / (2 * a.w);  // row counts over all images: 2 h rows each, so row / 2 is top's
    const float *top = a.top + (row / 2 * a.w + pixel % (2 * a.w) / 2) * a.c, *lateral = a.lateral + pixel * a.c;
    BLOCK_LOOP(c, a.c) a.y[pixel * a.c + c] = lateral[c] + top[c];
}

ARGS(UpsampleAddBwd, const float* dy; float* dtop; i64 h; i64 w; i64 c;)

// One block per pixel of top.
KERNEL(upsample_add_bwd_f32, UpsampleAddBwd) {
    const i64 pixel = ROW(), line = 2 * a.w * a.c;
    const float* dy = a.dy + pixel / a.w * 2 * line + pixel % a.w * 2 * a.c;
    BLOCK_LOOP(c, a.c) a.dtop[pixel * a.c + c] = dy[c] + dy[a.c + c] + (dy[line + c] + dy[line + a.c + c]);
}
