// The top-down step of a feature pyramid (Lin et al. 2017): y = lateral + top, each pixel of top standing for 2 x 2 of y.
// top (n, h, w, c), lateral and y (n, 2h, 2w, c).
#include "common.cuh"

ARGS_T(UpsampleAddFwd, const T* top; const T* lateral; T* y; i64 h; i64 w; i64 c;)

// One block per output pixel.
KERNEL_T(upsample_add_fwd, UpsampleAddFwd) {
    const i64 pixel = ROW(), row = pixel / (2 * a.w);  // row counts over all images: 2 h rows each, so row / 2 is top's
    const T *top = a.top + (row / 2 * a.w + pixel % (2 * a.w) / 2) * a.c, *lateral = a.lateral + pixel * a.c;
    BLOCK_LOOP(c, a.c) a.y[pixel * a.c + c] = T(lateral[c] + top[c]);
}

ARGS_T(UpsampleAddBwd, const T* dy; T* dtop; i64 h; i64 w; i64 c;)

// One block per pixel of top.
KERNEL_T(upsample_add_bwd, UpsampleAddBwd) {
    const i64 pixel = ROW(), line = 2 * a.w * a.c;
    const T* dy = a.dy + pixel / a.w * 2 * line + pixel % a.w * 2 * a.c;
    BLOCK_LOOP(c, a.c) a.dtop[pixel * a.c + c] = T(dy[c] + dy[a.c + c] + (dy[line + c] + dy[line + a.c + c]));
}
