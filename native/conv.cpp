// Convolution in NHWC over matrix products. x (N, H, W, Ci), w (Co, KH, KW, Ci), y (N, OH, OW, Co).
// A task takes a strip of output pixels, lays out their patches (im2col) in its own scratch memory, and multiplies.
#include <algorithm>
#include <cstring>

#include "gemm.h"

struct ConvArgs {
    const float *x, *w;  // backward: dy stands in y's place
    float* y;
    float* workspace;  // backward weight: (slabs, Co, KH, KW, Ci)
    i64 n, h, width, ci, co, kh, kw, stride, pad, oh, ow;
    Epilogue epilogue;
    i64 slabs;
};

namespace {

typedef ConvArgs Conv;

// Rows of a strip: its patches take about 4 MB, which the last-level cache holds.
i64 strip_rows(i64 pixels, i64 patch) {
    const i64 wanted = std::clamp<i64>((1 << 20) / std::max<i64>(patch, 1), 96, 1024);
    const i64 strips = std::max<i64>((pixels + wanted - 1) / wanted, std::clamp<i64>(pixels / 128, 1, 8));
    return ((pixels + strips - 1) / strips + 7) / 8 * 8;
}

bool is_plain_matrix(const Conv& c) { return c.kh == 1 && c.kw == 1 && c.stride == 1 && c.pad == 0; }

// memcpy and memset without a call where a few values are moved, which with few channels is most of the work.
inline void copy(float* out, const float* x, i64 n) {
    if (n < 16) {
        for (i64 i = 0; i < n; ++i) memcpy(out + i, x + i, 4);
        return;
    }
    for (i64 i = 0; i + 16 <= n; i += 16) memcpy(out + i, x + i, 64);
    memcpy(out + n - 16, x + n - 16, 64);
}
inline void clear(float* out, i64 n) {
    if (n > 0) memset(out, 0, (size_t)n * 4);
}

// Patches of output pixels [p0, p0 + rows) restricted to taps [t0, t1): out (rows, t1 - t0, Ci). Taps of one filter row are
// neighbours in memory, so they are copied together.
void im2col(const Conv& c, i64 p0, i64 rows, i64 t0, i64 t1, float* out) {
    for (i64 p = p0; p < p0 + rows; ++p) {
        const i64 image = p / (c.oh * c.ow), top = p / c.ow % c.oh * c.stride - c.pad, left = p % c.ow * c.stride - c.pad;
        for (i64 t = t0, next; t < t1; t = next) {
            next = std::min(t1, (t / c.kw + 1) * c.kw);
            const i64 y = top + t / c.kw, x0 = left + t % c.kw, count = next - t;
            if (y < 0 || y >= c.h) {
                clear(out, count * c.ci);
            } else {
                const i64 before = std::clamp<i64>(-x0, 0, count), inside = std::clamp<i64>(c.width - x0, before, count) - before;
                const float* x = c.x + ((image * c.h + y) * c.width + x0 + before) * c.ci;
                clear(out, before * c.ci);
                copy(out + before * c.ci, x, inside * c.ci);
                clear(out + (before + inside) * c.ci, (count - before - inside) * c.ci);
            }
            out += count * c.ci;
        }
    }
}

void forward_tasks(const void* p, i64 first, i64 last, i64) {
    const Conv& c = *static_cast<const Conv*>(p);
    const i64 pixels = c.n * c.oh * c.ow, patch = c.kh * c.kw * c.ci, strip = strip_rows(pixels, patch);
    for (i64 task = first; task < last; ++task) {
        const i64 p0 = task * strip, rows = std::min(strip, pixels - p0);
        if (rows <= 0) continue;
        const float* patches = c.x + p0 * c.ci;
        if (!is_plain_matrix(c)) {
            float* scratch = thread_scratch(0, strip * patch);
            im2col(c, p0, rows, 0, c.kh * c.kw, scratch);
            patches = scratch;
        }
        sgemm(false, true, rows, c.co, patch, 1, patches, patch, c.w, patch, 0, c.y + p0 * c.co, c.co);
        apply(c.epilogue, c.y, c.co, p0, rows, 0, c.co);
    }
}

// Gradient of the input. Input pixels (iy, ix) with the same (iy + pad) mod stride and (ix + pad) mod stride meet the same
// taps, so each such phase is a product of its own without multiplications by zero.
struct Phase {
    i64 first_y, first_x, rows, cols;  // its pixels: iy = first_y + stride * r, ix = first_x + stride * q
    i64 taps;                          // how many taps
    const float* weights;              // (taps, Co, Ci)
    i64 first_task, strip;
};
constexpr i64 max_stride = 4;

struct DataBackward {
    const Conv* c;
    Phase phases[max_stride * max_stride];
    i64 count;
};

bool tap_meets(const Conv& c, i64 t, const Phase& f) {
    return (f.first_y + c.pad - t / c.kw) % c.stride == 0 && (f.first_x + c.pad - t % c.kw) % c.stride == 0;
}

// With stride 1 dx is a convolution of dy with the filter turned round, and im2col serves it too.
bool is_mirrored(const Conv& c) { return c.stride == 1 && c.kh == c.kw; }
Conv mirrored(const Conv& c) {
    Conv m = c;
    m.x = c.y, m.h = c.oh, m.width = c.ow, m.ci = c.co, m.oh = c.h, m.ow = c.width, m.pad = c.kh - 1 - c.pad;
    return m;
}

// What pixels [p0, p0 + rows) of a phase receive from: out (rows, taps, Co).
void gather(const Conv& c, const Phase& f, i64 p0, i64 rows, float* out) {
    for (i64 q = p0; q < p0 + rows; ++q) {
        const i64 image = q / (f.rows * f.cols);
        const i64 iy = f.first_y + c.stride * (q / f.cols % f.rows), ix = f.first_x + c.stride * (q % f.cols);
        // the first tap of this phase in either direction; the others follow at the distance of the stride
        for (i64 ty = (iy + c.pad) % c.stride; ty < c.kh; ty += c.stride)
            for (i64 tx = (ix + c.pad) % c.stride; tx < c.kw; tx += c.stride, out += c.co) {
                const i64 oy = (iy + c.pad - ty) / c.stride, ox = (ix + c.pad - tx) / c.stride;
                if (iy + c.pad >= ty && ix + c.pad >= tx && oy < c.oh && ox < c.ow)
                    copy(out, c.y + ((image * c.oh + oy) * c.ow + ox) * c.co, c.co);
                else
                    clear(out, c.co);
            }
    }
}

void data_tasks(const void* p, i64 first, i64 last, i64) {
    const DataBackward& d = *static_cast<const DataBackward*>(p);
    const Conv& c = *d.c;
    for (i64 task = first; task < last; ++task) {
        i64 which = 0;
        while (which + 1 < d.count && task >= d.phases[which + 1].first_task) ++which;
        const Phase& f = d.phases[which];
        const i64 pixels = c.n * f.rows * f.cols, p0 = (task - f.first_task) * f.strip, rows = std::min(f.strip, pixels - p0);
        if (rows <= 0) continue;
        const i64 patch = f.taps * c.co;
        const float* patches = c.y + p0 * c.co;
        if (!is_plain_matrix(c)) {
            float* scratch = thread_scratch(0, f.strip * std::max<i64>(patch, 1));
            patches = scratch;
            if (is_mirrored(c))
                im2col(mirrored(c), p0, rows, 0, f.taps, scratch);
            else
                gather(c, f, p0, rows, scratch);
        }
        float* dx = const_cast<float*>(c.x);
        const bool whole = c.stride == 1;  // then the phase's pixels are neighbours in memory
        float* target = whole ? dx + p0 * c.ci : thread_scratch(1, f.strip * c.ci);
        sgemm(false, false, rows, c.ci, patch, 1, patches, patch, f.weights, c.ci, 0, target, c.ci);
        if (whole) continue;
        for (i64 q = p0; q < p0 + rows; ++q, target += c.ci) {
            const i64 image = q / (f.rows * f.cols);
            const i64 iy = f.first_y + c.stride * (q / f.cols % f.rows), ix = f.first_x + c.stride * (q % f.cols);
            copy(dx + ((image * c.h + iy) * c.width + ix) * c.ci, target, c.ci);
        }
    }
}

// Puts the filters of each phase into the workspace, in the order of its patches.
void weight_copies(const void* p, i64 first, i64 last, i64) {
    const DataBackward& d = *static_cast<const DataBackward*>(p);
    const Conv& c = *d.c;
    const i64 taps = c.kh * c.kw;
    for (i64 k = 0; k < d.count; ++k) {
        const Phase& f = d.phases[k];
        float* to = const_cast<float*>(f.weights);
        for (i64 t = 0; t < taps; ++t) {
            if (!tap_meets(c, t, f)) continue;
            const i64 tap = is_mirrored(c) ? taps - 1 - t : t;
            for (i64 o = first; o < last; ++o) copy(to + o * c.ci, c.w + (o * taps + tap) * c.ci, c.ci);
            to += c.co * c.ci;
        }
    }
}

// Gradient of the weights: dw (Co, taps, Ci) = dy^T patches. Tasks are groups of taps times slabs of pixels; slabs are
// added in order afterwards.
i64 taps_per_group(const Conv& c) { return std::clamp<i64>((256 + c.ci - 1) / c.ci, 1, c.kh * c.kw); }
i64 groups_of(const Conv& c) { return (c.kh * c.kw + taps_per_group(c) - 1) / taps_per_group(c); }

void weight_tasks(const void* p, i64 first, i64 last, i64) {
    const Conv& c = *static_cast<const Conv*>(p);
    const i64 pixels = c.n * c.oh * c.ow, taps = c.kh * c.kw, group = taps_per_group(c), groups = groups_of(c);
    for (i64 task = first; task < last; ++task) {
        const i64 slab = task / groups, t0 = task % groups * group, t1 = std::min(t0 + group, taps);
        const i64 from = slab * pixels / c.slabs, to = (slab + 1) * pixels / c.slabs, cols = (t1 - t0) * c.ci;
        float* dw = (c.slabs > 1 ? c.workspace + slab * c.co * taps * c.ci : const_cast<float*>(c.w)) + t0 * c.ci;
        // Patches that stay in the cache. OpenBLAS has kernels of its own for up to a million multiplications: few channels
        // are served better by those.
        const i64 floats = c.co * cols <= 16384 ? std::min<i64>(1 << 15, 1000000 / c.co) : 1 << 16;
        const i64 strip = std::clamp<i64>(floats / cols, 32, 4096);
        for (i64 p0 = from; p0 < to || p0 == from; p0 += strip) {
            const i64 rows = std::max<i64>(0, std::min(strip, to - p0));
            const float* patches = c.x + p0 * c.ci;
            if (!is_plain_matrix(c)) {
                float* scratch = thread_scratch(0, strip * cols);
                im2col(c, p0, rows, t0, t1, scratch);
                patches = scratch;
            }
            sgemm(true, false, c.co, cols, rows, 1, c.y + p0 * c.co, c.co, patches, cols, p0 == from ? 0 : 1, dw, taps * c.ci);
        }
    }
}

void add_slabs(const void* p, i64 first, i64 last, i64 count) {
    const Conv& c = *static_cast<const Conv*>(p);
    const i64 size = c.co * c.kh * c.kw * c.ci, from = first * size / count, to = last * size / count;
    float* dw = const_cast<float*>(c.w);
    for (i64 i = from; i < to; ++i) dw[i] = c.workspace[i];
    for (i64 slab = 1; slab < c.slabs; ++slab)
        for (i64 i = from; i < to; ++i) dw[i] += c.workspace[slab * size + i];
}

}  // namespace

EXPORT void conv_forward(Pool* pool, const ConvArgs* c) {
    const i64 pixels = c->n * c->oh * c->ow;
    if (pixels == 0) return;
    const i64 strip = strip_rows(pixels, c->kh * c->kw * c->ci);
    pool_run(pool, forward_tasks, c, (pixels + strip - 1) / strip);
}

// Workspace: as many floats as w has.
EXPORT void conv_backward_data(Pool* pool, const ConvArgs* c) {
    DataBackward d{c, {}, 0};
    i64 tasks = 0, weights = 0;
    for (i64 fy = 0; fy < std::min(c->stride, c->h); ++fy)
        for (i64 fx = 0; fx < std::min(c->stride, c->width); ++fx) {
            Phase& f = d.phases[d.count++];
            f = Phase{fy, fx, (c->h - fy + c->stride - 1) / c->stride, (c->width - fx + c->stride - 1) / c->stride, 0,
                      c->workspace + weights, tasks, 0};
            for (i64 t = 0; t < c->kh * c->kw; ++t) f.taps += tap_meets(*c, t, f);
            weights += f.taps * c->co * c->ci;
            const i64 pixels = c->n * f.rows * f.cols;
            f.strip = std::max<i64>(8, strip_rows(pixels, f.taps * c->co));
            tasks += (pixels + f.strip - 1) / f.strip;
        }
    if (is_plain_matrix(*c))
        d.phases[0].weights = c->w;
    else
        pool_run(pool, weight_copies, &d, c->co);
    pool_run(pool, data_tasks, &d, tasks);
}

// How many slabs conv_backward_weight wants: enough tasks for many threads, at least 512 pixels each, 32 MB of partials at most.
EXPORT i64 conv_weight_slabs(const ConvArgs* c) {
    const i64 pixels = c->n * c->oh * c->ow, size = c->co * c->kh * c->kw * c->ci;
    const i64 wanted = (8 + groups_of(*c) - 1) / groups_of(*c);
    return std::clamp<i64>(std::min(pixels / 512, (8 << 20) / std::max<i64>(size, 1)), 1, wanted);
}

EXPORT void conv_backward_weight(Pool* pool, const ConvArgs* c) {
    pool_run(pool, weight_tasks, c, groups_of(*c) * c->slabs);
    if (c->slabs > 1) pool_run(pool, add_slabs, c, 8);
}
