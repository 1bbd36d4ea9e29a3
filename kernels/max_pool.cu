// Maximum over windows of `size` x `size`, in NHWC. A NaN wins; of equal values the first in row-major order, as in PyTorch.
#include "common.cuh"

// tap (n, oh, ow, c): which of the window's size^2 places the maximum came from; null where no backward follows.
ARGS(MaxPoolFwd, const float* x; float* y; uint8_t* tap; i64 h; i64 w; i64 c; i64 size; i64 stride; i64 pad; i64 oh; i64 ow;)

// One block per output pixel.
KERNEL(max_pool_fwd_f32, MaxPoolFwd) {
    const i64 pixel = ROW(), image = pixel / (a.oh * a.ow);
    const i64 top = pixel / a.ow % a.oh * a.stride - a.pad, left = pixel % a.ow * a.stride - a.pad;
    const i64 ky0 = top < 0 ? -top : 0, ky1 = top + a.size > a.h ? a.h - top : a.size;
    const i64 kx0 = left < 0 ? -left : 0, kx1 = left + a.size > a.w ? a.w - left : a.size;
    float* y = a.y + pixel * a.c;
    uint8_t* tap = a.tap + pixel * a.c;
    for (i64 ky = ky0; ky < ky1; ++ky)
        for (i64 kx = kx0; kx < kx1; ++kx) {
            const float* x = a.x + ((image * a.h + top + ky) * a.w + left + kx) * a.c;
            const uint8_t here = (uint8_t)(ky * a.size + kx);
            const bool first = ky == ky0 && kx == kx0;
            if (!a.tap) {
                if (first) {
                    BLOCK_LOOP(c, a.c) y[c] = x[c];
                } else {
                    BLOCK_LOOP(c, a.c) y[c] = x[c] > y[c] || x[c] != x[c] ? x[c] : y[c];
                }
            } else if (first) {
                BLOCK_LOOP(c, a.c) {
                    y[c] = x[c];
                    tap[c] = here;
                }
            } else {
                BLOCK_LOOP(c, a.c) {
                    const bool wins = x[c] > y[c] || x[c] != x[c];
                    y[c] = wins ? x[c] : y[c];
                    tap[c] = wins ? here : tap[c];
                }
            }
        }
}

// One block per input pixel, which gathers from the windows it lies in.
ARGS(MaxPoolBwd, const float* dy; const uint8_t* tap; float* dx; i64 h; i64 w; i64 c; i64 size; i64 stride; i64 pad; i64 oh; i64 ow;)

KERNEL(max_pool_bwd_f32, MaxPoolBwd) {
    const i64 pixel = ROW(), image = pixel / (a.h * a.w), py = pixel / a.w % a.h + a.pad, px = pixel % a.w + a.pad;
    const i64 oy0 = py < a.size ? 0 : (py - a.size) / a.stride + 1, oy1 = py / a.stride < a.oh ? py / a.stride : a.oh - 1;
    const i64 ox0 = px < a.size ? 0 : (px - a.size) / a.stride + 1, ox1 = px / a.stride < a.ow ? px / a.stride : a.ow - 1;
    float* dx = a.dx + pixel * a.c;
    BLOCK_LOOP(c, a.c) dx[c] = 0;
    for (i64 oy = oy0; oy <= oy1; ++oy)
        for (i64 ox = ox0; ox <= ox1; ++ox) {
            const i64 from = ((image * a.oh + oy) * a.ow + ox) * a.c;
            const float* dy = a.dy + from;
            const uint8_t *tap = a.tap + from, here = (uint8_t)((py - oy * a.stride) * a.size + px - ox * a.stride);
            BLOCK_LOOP(c, a.c) dx[c] += tap[c] == here ? dy[c] : 0.0f;
        }
}
