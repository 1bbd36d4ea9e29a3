// RoIAlign (He et al. 2017) over the levels of a feature pyramid. Features are (n, h, w, c), a box is (x0, y0, x1, y1) in
// pixels, y is (rois, output, output, c). Positions are computed in the order of torchvision's CPU code, rounding by
// rounding: a sample at -1 +- 1 ulp decides between 0 and the border's value. Sums are fp32, and so is dx, whatever the features
// are. Besides the portable kernels there are two for GPUs, which move 16 bytes a thread at a time.
#include "common.cuh"

// The level of a box (Lin et al. 2017, eq. 1, in fp32 as detectron2 has it): floor(4 + log2(sqrt(area) / 224 + 1e-8)),
// clamped, counted from min_level. A box with one inverted side or a NaN has no level (-1).
ARGS(RoiAlignLevel, const float* boxes; int32_t* levels; i64 n; i64 min_level; i64 max_level;)

KERNEL(roi_align_level_f32, RoiAlignLevel) {
    KERNEL_LOOP(i, a.n) {
        const float* box = a.boxes + 4 * i;
        const float size = sqrtf(mul_rn(box[2] - box[0], box[3] - box[1]));
        const float level = floorf(add_rn(4.0f, (float)log2((double)add_rn(size / 224.0f, 1e-8f))));
        const float low = (float)a.min_level, high = (float)a.max_level;
        a.levels[i] = level != level ? -1 : (int32_t)((level < low ? low : level > high ? high : level) - low);
    }
}

// One axis of a box on a feature map: `output` bins of length `bin` from `start`, `grid` samples in each.
struct Axis {
    float start, bin;
    i64 grid;
};

template <class Args>
DEVICE Axis axis_of(const Args& a, float low, float high, float scale) {
    const float offset = a.aligned ? 0.5f : 0.0f;
    const float start = add_rn(mul_rn(low, scale), -offset), end = add_rn(mul_rn(high, scale), -offset);
    float length = end - start;
    if (!a.aligned && length < 1.0f) length = 1.0f;
    const float adaptive = ceilf(length / (float)a.output);
    const i64 grid = a.sampling > 0 ? a.sampling : adaptive >= 1 ? (adaptive < 1e9f ? (i64)adaptive : (i64)1000000000) : 0;
    return {start, length / (float)a.output, grid};
}

// The samples of a bin that may lie on the map: an adaptive grid on a wild box has millions that cannot.
DEVICE Chunk samples_near(Axis axis, i64 bin, i64 size) {
    if (axis.grid <= 16) return {0, axis.grid};
    const double step = (double)axis.bin / (double)axis.grid, from = (double)axis.start + (double)bin * axis.bin;
    const double first = (-3.0 - from) / step, last = ((double)size + 2.0 - from) / step, grid = (double)axis.grid;
    return {(i64)(first > 0 ? (first < grid ? first : grid) : 0), (i64)(last > 0 ? (last < grid ? last : grid) : 0)};
}

// A sample between two pixels. Outside the map by more than a pixel, or nowhere (NaN), it counts as 0.
struct Sample {
    int32_t low, high;
    float low_weight, high_weight;
    bool inside;
};

DEVICE Sample sample_at(Axis axis, i64 bin, i64 index, i64 size) {
    const float position = add_rn(add_rn(axis.start, mul_rn((float)bin, axis.bin)),
                                  mul_rn((float)index + 0.5f, axis.bin) / (float)axis.grid);
    if (!(position >= -1.0f && position <= (float)size)) return {0, 0, 0, 0, false};
    const float p = position <= 0 ? 0.0f : position;
    const int32_t low = (int32_t)p, last = (int32_t)size - 1;
    if (low >= last) return {last, last, 1, 0, true};
    const float part = p - (float)low;
    return {low, low + 1, 1 - part, part, true};
}

// The image of roi r is image[r], or r / per_image where `image` is absent; its level is levels[r], or 0 where `levels` is.
ARGS_T(RoiAlignFwd, const T* x0; const T* x1; const T* x2; const T* x3; const float* boxes; const int32_t* levels;
       const int32_t* image; T* y; i64 h0; i64 h1; i64 h2; i64 h3; i64 w0; i64 w1; i64 w2; i64 w3; double scale0; double scale1;
       double scale2; double scale3; i64 c; i64 rois; i64 per_image; i64 output; i64 sampling; i64 aligned;)

template <class V>
DEVICE V of_level(i64 level, V v0, V v1, V v2, V v3) {
    return level == 0 ? v0 : level == 1 ? v1 : level == 2 ? v2 : v3;
}

// Where a roi lies on the map of its level; `Args` has h0 to scale3.
struct Placed {
    i64 level, image;
    int32_t h, w;
    Axis ys, xs;
    float share;  // of a sample in its bin
};

template <class Args>
DEVICE Placed placed(const Args& a, i64 roi) {
    const i64 level = a.levels ? a.levels[roi] : 0;
    const float scale = (float)of_level(level, a.scale0, a.scale1, a.scale2, a.scale3);
    const float* box = a.boxes + 4 * roi;
    const Axis ys = axis_of(a, box[1], box[3], scale), xs = axis_of(a, box[0], box[2], scale);
    const float samples = (float)(ys.grid * xs.grid);
    return {level, a.image ? a.image[roi] : roi / a.per_image, (int32_t)of_level(level, a.h0, a.h1, a.h2, a.h3),
            (int32_t)of_level(level, a.w0, a.w1, a.w2, a.w3), ys, xs, 1.0f / (samples < 1 ? 1.0f : samples)};
}

// body(sy, sx) for every sample of a bin that lies on the map.
template <class Body>
DEVICE void each_sample(const Placed& p, i64 bin_y, i64 bin_x, Body body) {
    if (p.level < 0) return;
    const Chunk near_y = samples_near(p.ys, bin_y, p.h), near_x = samples_near(p.xs, bin_x, p.w);
    for (i64 iy = near_y.first; iy < near_y.last; ++iy) {
        const Sample sy = sample_at(p.ys, bin_y, iy, p.h);
        if (!sy.inside) continue;
        for (i64 ix = near_x.first; ix < near_x.last; ++ix) {
            const Sample sx = sample_at(p.xs, bin_x, ix, p.w);
            if (sx.inside) body(sy, sx);
        }
    }
}

constexpr i64 roi_align_strip = 512;  // channels that are summed at a time

// A block owns a row of bins.
KERNEL_T(roi_align_fwd, RoiAlignFwd) {
    SHARED(float, sums, roi_align_strip);  // every thread has channels of its own
    const i64 bin_y = ROW() % a.output, c = a.c;
    const Placed p = placed(a, ROW() / a.output);
    const T* x = of_level(p.level, a.x0, a.x1, a.x2, a.x3) + p.image * p.h * p.w * c;
    for (i64 first = 0; first < c; first += roi_align_strip) {
        const i64 strip = c - first < roi_align_strip ? c - first : roi_align_strip;
        for (i64 bin_x = 0; bin_x < a.output; ++bin_x) {
            BLOCK_LOOP(k, strip) sums[k] = 0;
            each_sample(p, bin_y, bin_x, [&](const Sample& sy, const Sample& sx) {
                const T *top = x + sy.low * p.w * c + first, *bottom = x + sy.high * p.w * c + first;
                const T *top_left = top + sx.low * c, *top_right = top + sx.high * c;
                const T *bottom_left = bottom + sx.low * c, *bottom_right = bottom + sx.high * c;
                const float low = sy.low_weight * p.share, high = sy.high_weight * p.share;
                const float w00 = low * sx.low_weight, w01 = low * sx.high_weight;
                const float w10 = high * sx.low_weight, w11 = high * sx.high_weight;
                BLOCK_LOOP(k, strip) sums[k] += w00 * top_left[k] + w01 * top_right[k] + w10 * bottom_left[k] + w11 * bottom_right[k];
            });
            T* y = a.y + (ROW() * a.output + bin_x) * c + first;
            BLOCK_LOOP(k, strip) y[k] = T(sums[k]);
        }
    }
}

// dx of one level, (n, h, w, c). A block owns one row of pixels and walks the boxes of its image in order, so that no two
// blocks add to the same number.
ARGS_T(RoiAlignBwd, const T* dy; const float* boxes; const int32_t* levels; const int32_t* image; float* dx; i64 h; i64 w;
       i64 c; i64 level; double scale; i64 rois; i64 per_image; i64 output; i64 sampling; i64 aligned;)

KERNEL_T(roi_align_bwd, RoiAlignBwd) {
    const i64 image = ROW() / a.h, row = ROW() % a.h, w = a.w, c = a.c;
    float* dx = a.dx + ROW() * w * c;
    BLOCK_LOOP(i, w * c) dx[i] = 0;
    BLOCK_SYNC();  // from here on a thread owns channels, not elements
    const Chunk rois = a.image ? Chunk{0, a.rois} : Chunk{image * a.per_image, (image + 1) * a.per_image};
    for (i64 roi = rois.first; roi < rois.last; ++roi) {
        if ((a.levels && a.levels[roi] != a.level) || (a.image && a.image[roi] != image)) continue;
        const float* box = a.boxes + 4 * roi;
        const T* dy = a.dy + roi * a.output * a.output * c;
        const Axis ys = axis_of(a, box[1], box[3], (float)a.scale), xs = axis_of(a, box[0], box[2], (float)a.scale);
        const float samples = (float)(ys.grid * xs.grid), share = 1.0f / (samples < 1 ? 1.0f : samples);
        for (i64 bin_y = 0; bin_y < a.output; ++bin_y) {
            // Every sample of this bin that touches the row does so at the same columns: their weights are added first.
            const Chunk near_y = samples_near(ys, bin_y, a.h);
            float weight = 0;
            for (i64 iy = near_y.first; iy < near_y.last; ++iy) {
                const Sample sy = sample_at(ys, bin_y, iy, a.h);
                weight += (sy.low == row ? sy.low_weight : 0.0f) + (sy.high == row ? sy.high_weight : 0.0f);
            }
            if (weight == 0) continue;
            for (i64 bin_x = 0; bin_x < a.output; ++bin_x) {
                const T* g = dy + (bin_y * a.output + bin_x) * c;
                const Chunk near_x = samples_near(xs, bin_x, w);
                for (i64 ix = near_x.first; ix < near_x.last; ++ix) {
                    const Sample sx = sample_at(xs, bin_x, ix, w);
                    if (!sx.inside) continue;
                    const float low = weight * share * sx.low_weight, high = weight * share * sx.high_weight;
                    float *left = dx + sx.low * c, *right = dx + sx.high * c;
                    BLOCK_LOOP(k, c) left[k] += low * g[k];
                    BLOCK_LOOP(k, c) right[k] += high * g[k];
                }
            }
        }
    }
}

#if defined(__CUDACC__) || defined(SPARSERCNN_EMULATE)
#include "vector.cuh"

// What a thread of the two kernels below works on: 16 bytes of the channels of one bin. The bins of all rois are numbered, and
// a block takes as many as it has threads for. With 256 channels a bin is a warp's in bf16 and two warps' in fp32; a pixel is
// then read in one piece, and the threads of a bin find its samples together, without a word between them.
struct BinLane {
    i64 roi, bin_y, bin_x, channel, bin;
    bool idle;
};

template <class T, class Args>
DEVICE BinLane bin_lane(const Args& a) {
    const uint32_t lanes = (uint32_t)a.c / Vector<T>::size, bins = blockDim.x / lanes, output = (uint32_t)a.output;
    const uint32_t at = threadIdx.x / lanes, bin = blockIdx.x * bins + at, row = bin / output;  // 32 bits: division is slow here
    return {row / output, row % output, bin % output, threadIdx.x % lanes * Vector<T>::size, bin,
            at >= bins || bin >= (uint32_t)a.rois * output * output};
}

// The sums of the portable kernel, in registers. C is a multiple of 4 (fp32) or 8 (bf16), and at most so many times the threads
// of a block.
KERNEL_T(roi_align_fwd_vector, RoiAlignFwd) {
    const BinLane lane = bin_lane<T>(a);
    if (lane.idle) return;
    constexpr int size = Vector<T>::size;
    const Placed p = placed(a, lane.roi);
    const T* x = of_level(p.level, a.x0, a.x1, a.x2, a.x3) + p.image * p.h * p.w * a.c + lane.channel;
    float sums[size] = {};
    each_sample(p, lane.bin_y, lane.bin_x, [&](const Sample& sy, const Sample& sx) {
        const T *top = x + sy.low * p.w * a.c, *bottom = x + sy.high * p.w * a.c;
        const Vector<T> top_left = load_vector(top + sx.low * a.c), top_right = load_vector(top + sx.high * a.c);
        const Vector<T> bottom_left = load_vector(bottom + sx.low * a.c), bottom_right = load_vector(bottom + sx.high * a.c);
        const float low = sy.low_weight * p.share, high = sy.high_weight * p.share;
        const float w00 = low * sx.low_weight, w01 = low * sx.high_weight, w10 = high * sx.low_weight, w11 = high * sx.high_weight;
        UNROLL for (int k = 0; k < size; ++k)
            sums[k] += w00 * top_left.at[k] + w01 * top_right.at[k] + w10 * bottom_left.at[k] + w11 * bottom_right.at[k];
    });
    Vector<T> y;
    UNROLL for (int k = 0; k < size; ++k) y.at[k] = T(sums[k]);
    store_vector(a.y + (i64)lane.bin * a.c + lane.channel, y);
}

// dx of all levels at once, added to what is there; a level without dx is left out. Where the portable kernel has a block for
// every row of pixels look at all boxes, this one goes through the bins and adds where they lie: work in proportion to the
// boxes, in an order that changes from run to run. An addition of 16 bytes needs nothing back from memory.
ARGS_T(RoiAlignBwdAtomic, const T* dy; const float* boxes; const int32_t* levels; const int32_t* image; float* dx0; float* dx1;
       float* dx2; float* dx3; i64 h0; i64 h1; i64 h2; i64 h3; i64 w0; i64 w1; i64 w2; i64 w3; double scale0; double scale1;
       double scale2; double scale3; i64 c; i64 rois; i64 per_image; i64 output; i64 sampling; i64 aligned;)

KERNEL_T(roi_align_bwd_atomic, RoiAlignBwdAtomic) {
    const BinLane lane = bin_lane<T>(a);
    if (lane.idle) return;
    const Placed p = placed(a, lane.roi);
    float* dx = of_level(p.level, a.dx0, a.dx1, a.dx2, a.dx3);
    if (!dx) return;
    dx += p.image * p.h * p.w * a.c + lane.channel;
    const Vector<T> g = load_vector(a.dy + (i64)lane.bin * a.c + lane.channel);
    each_sample(p, lane.bin_y, lane.bin_x, [&](const Sample& sy, const Sample& sx) {
        const auto add = [&](i64 row, i64 column, float weight) {
            float* to = dx + (row * p.w + column) * a.c;
            UNROLL for (int k = 0; k < Vector<T>::size; k += 4)
                add_atomic(to + k, weight * g.at[k], weight * g.at[k + 1], weight * g.at[k + 2], weight * g.at[k + 3]);
        };
        const float low = sy.low_weight * p.share, high = sy.high_weight * p.share;
        add(sy.low, sx.low, low * sx.low_weight);
        add(sy.low, sx.high, low * sx.high_weight);
        add(sy.high, sx.low, high * sx.low_weight);
        add(sy.high, sx.high, high * sx.high_weight);
    });
}

#endif
