// Maximum over windows of `size` x `size`, in NHWC. A NaN wins; of equal values the first in row-major order, as in PyTorch.
#include "common.cuh"

// tap (n, oh, ow, c): which of the window's size^2 places the maximum came from; null where no backward follows.
ARGS_T(MaxPoolFwd, const T* x; T* y; uint8_t* tap; i64 h; i64 w; i64 c; i64 size; i64 stride; i64 pad; i64 oh; i64 ow;)

// The part of a window that lies inside the image: taps [y0, y1) x [x0, x1) around `corner`, which may lie outside.
template <class T>
struct Window {
    const T* corner;
    i64 y0, y1, x0, x1;
};

template <i64 width, class T>
DEVICE void max_of_window(const MaxPoolFwd<T>& a, const Window<T>& v, i64 c0, T* y, uint8_t* tap) {
    float best[width];
    int32_t from[width];
    for (i64 k = 0; k < width; ++k) {
        best[k] = -INFINITY_F;
        from[k] = (int32_t)(v.y0 * a.size + v.x0);
    }
    for (i64 ky = v.y0; ky < v.y1; ++ky)
        for (i64 kx = v.x0; kx < v.x1; ++kx) {
            const T* x = v.corner + (ky * a.w + kx) * a.c + c0;
            const int32_t here = (int32_t)(ky * a.size + kx);
            for (i64 k = 0; k < width; ++k) {  // masks, since g++ turns choices into jumps
                const float value = x[k];
                const int32_t wins = -(int32_t)((value > best[k]) | (value != value));
                best[k] = bits_to_float((float_to_bits(value) & wins) | (float_to_bits(best[k]) & ~wins));
                from[k] = (here & wins) | (from[k] & ~wins);
            }
        }
    for (i64 k = 0; k < width; ++k) y[c0 + k] = T(best[k]);
    if (tap)
        for (i64 k = 0; k < width; ++k) tap[c0 + k] = (uint8_t)from[k];
}

// One block per output pixel.
KERNEL_T(max_pool_fwd, MaxPoolFwd) {
    const i64 pixel = ROW(), image = pixel / (a.oh * a.ow);
    const i64 top = pixel / a.ow % a.oh * a.stride - a.pad, left = pixel % a.ow * a.stride - a.pad;
    const Window<T> window = {a.x + ((image * a.h + top) * a.w + left) * a.c, top < 0 ? -top : 0, top + a.size > a.h ? a.h - top : a.size,
                           left < 0 ? -left : 0, left + a.size > a.w ? a.w - left : a.size};
    T* y = a.y + pixel * a.c;
    uint8_t* tap = a.tap ? a.tap + pixel * a.c : nullptr;
    const i64 whole = a.c / STRIP * STRIP;
    BLOCK_LOOP(s, a.c / STRIP) max_of_window<STRIP>(a, window, s * STRIP, y, tap);
    BLOCK_LOOP(c, a.c - whole) max_of_window<1>(a, window, whole + c, y, tap);
}

ARGS_T(MaxPoolBwd, const T* dy; const uint8_t* tap; T* dx; i64 h; i64 w; i64 c; i64 size; i64 stride; i64 pad; i64 oh; i64 ow;)

// Pixel (y, x) of the padded input lies in the windows [oy0, oy1] x [ox0, ox1].
struct Windows {
    i64 image, y, x, oy0, oy1, ox0, ox1;
};

template <i64 width, class T>
DEVICE void gather(const MaxPoolBwd<T>& a, const Windows& v, i64 c0, T* dx) {
    float sum[width] = {};
    for (i64 oy = v.oy0; oy <= v.oy1; ++oy)
        for (i64 ox = v.ox0; ox <= v.ox1; ++ox) {
            const i64 from = ((v.image * a.oh + oy) * a.ow + ox) * a.c + c0;
            const T* dy = a.dy + from;
            const uint8_t* tap = a.tap + from;
            const int32_t here = (int32_t)((v.y - oy * a.stride) * a.size + v.x - ox * a.stride);
            for (i64 k = 0; k < width; ++k) sum[k] += bits_to_float(float_to_bits(dy[k]) & -(int32_t)(tap[k] == here));
        }
    for (i64 k = 0; k < width; ++k) dx[c0 + k] = T(sum[k]);
}

// One block per input pixel, which gathers from the windows it lies in.
KERNEL_T(max_pool_bwd, MaxPoolBwd) {
    const i64 pixel = ROW(), y = pixel / a.w % a.h + a.pad, x = pixel % a.w + a.pad;
    const Windows windows = {pixel / (a.h * a.w), y, x, y < a.size ? 0 : (y - a.size) / a.stride + 1, y / a.stride < a.oh ? y / a.stride : a.oh - 1,
                             x < a.size ? 0 : (x - a.size) / a.stride + 1, x / a.stride < a.ow ? x / a.stride : a.ow - 1};
    T* dx = a.dx + pixel * a.c;
    const i64 whole = a.c / STRIP * STRIP;
    BLOCK_LOOP(s, a.c / STRIP) gather<STRIP>(a, windows, s * STRIP, dx);
    BLOCK_LOOP(c, a.c - whole) gather<1>(a, windows, whole + c, dx);
}
