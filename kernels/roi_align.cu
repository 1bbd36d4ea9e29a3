// RoIAlign (He et al. 2017) over the levels of a feature pyramid. Features are (n, h, w, c), a box is (x0, y0, x1, y1) in
// pixels, y is (rois, output, output, c). Positions are computed in the order of torchvision's CPU code, rounding by
// rounding: a sample at -1 +- 1 ulp decides between 0 and the border's value.
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
    i64 low, high;
    float low_weight, high_weight;
    bool inside;
};

DEVICE Sample sample_at(Axis axis, i64 bin, i64 index, i64 size) {
    const float position = add_rn(add_rn(axis.start, mul_rn((float)bin, axis.bin)),
                                  mul_rn((float)index + 0.5f, axis.bin) / (float)axis.grid);
    if (!(position >= -1.0f && position <= (float)size)) return {0, 0, 0, 0, false};
    const float p = position <= 0 ? 0.0f : position;
    const i64 low = (i64)p;
    if (low >= size - 1) return {size - 1, size - 1, 1, 0, true};
    const float part = p - (float)low;
    return {low, low + 1, 1 - part, part, true};
}

// The image of roi r is image[r], or r / per_image where `image` is absent; its level is levels[r], or 0 where `levels` is.
ARGS(RoiAlignFwd, const float* x0; const float* x1; const float* x2; const float* x3; const float* boxes; const int32_t* levels;
     const int32_t* image; float* y; i64 h0; i64 h1; i64 h2; i64 h3; i64 w0; i64 w1; i64 w2; i64 w3; double scale0;
     double scale1; double scale2; double scale3; i64 c; i64 per_image; i64 output; i64 sampling; i64 aligned;)

// A block owns a row of bins.
KERNEL(roi_align_fwd_f32, RoiAlignFwd) {
    const i64 roi = ROW() / a.output, bin_y = ROW() % a.output, c = a.c;
    const i64 level = a.levels ? a.levels[roi] : 0;
    const i64 h = level == 0 ? a.h0 : level == 1 ? a.h1 : level == 2 ? a.h2 : a.h3;
    const i64 w = level == 0 ? a.w0 : level == 1 ? a.w1 : level == 2 ? a.w2 : a.w3;
    const float scale = (float)(level == 0 ? a.scale0 : level == 1 ? a.scale1 : level == 2 ? a.scale2 : a.scale3);
    const float* x = level == 0 ? a.x0 : level == 1 ? a.x1 : level == 2 ? a.x2 : a.x3;
    x += (a.image ? a.image[roi] : roi / a.per_image) * h * w * c;

    const float* box = a.boxes + 4 * roi;
    const Axis ys = axis_of(a, box[1], box[3], scale), xs = axis_of(a, box[0], box[2], scale);
    const float samples = (float)(ys.grid * xs.grid), share = 1.0f / (samples < 1 ? 1.0f : samples);
    const Chunk near_y = level < 0 ? Chunk{0, 0} : samples_near(ys, bin_y, h);
    for (i64 bin_x = 0; bin_x < a.output; ++bin_x) {
        float* y = a.y + (ROW() * a.output + bin_x) * c;
        BLOCK_LOOP(k, c) y[k] = 0;
        const Chunk near_x = samples_near(xs, bin_x, w);
        for (i64 iy = near_y.first; iy < near_y.last; ++iy) {
            const Sample sy = sample_at(ys, bin_y, iy, h);
            if (!sy.inside) continue;
            const float *top = x + sy.low * w * c, *bottom = x + sy.high * w * c;
            for (i64 ix = near_x.first; ix < near_x.last; ++ix) {
                const Sample sx = sample_at(xs, bin_x, ix, w);
                if (!sx.inside) continue;
                const float *top_left = top + sx.low * c, *top_right = top + sx.high * c;
                const float *bottom_left = bottom + sx.low * c, *bottom_right = bottom + sx.high * c;
                const float low = sy.low_weight * share, high = sy.high_weight * share;
                const float w00 = low * sx.low_weight, w01 = low * sx.high_weight;
                const float w10 = high * sx.low_weight, w11 = high * sx.high_weight;
                BLOCK_LOOP(k, c) y[k] += w00 * top_left[k] + w01 * top_right[k] + w10 * bottom_left[k] + w11 * bottom_right[k];
            }
        }
    }
}

// dx of one level, (n, h, w, c). A block owns one row of pixels and walks the boxes of its image in order, so that no two
// blocks add to the same number.
ARGS(RoiAlignBwd, const float* dy; const float* boxes; const int32_t* levels; const int32_t* image; float* dx; i64 h; i64 w;
     i64 c; i64 level; double scale; i64 rois; i64 per_image; i64 output; i64 sampling; i64 aligned;)

KERNEL(roi_align_bwd_f32, RoiAlignBwd) {
    const i64 image = ROW() / a.h, row = ROW() % a.h, w = a.w, c = a.c;
    float* dx = a.dx + ROW() * w * c;
    BLOCK_LOOP(i, w * c) dx[i] = 0;
    BLOCK_SYNC();  // from here on a thread owns channels, not elements
    const Chunk rois = a.image ? Chunk{0, a.rois} : Chunk{image * a.per_image, (image + 1) * a.per_image};
    for (i64 roi = rois.first; roi < rois.last; ++roi) {
        if ((a.levels && a.levels[roi] != a.level) || (a.image && a.image[roi] != image)) continue;
        const float *box = a.boxes + 4 * roi, *dy = a.dy + roi * a.output * a.output * c;
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
                const float* g = dy + (bin_y * a.output + bin_x) * c;
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
