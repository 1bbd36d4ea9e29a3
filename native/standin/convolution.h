// A convolution with its epilogue, computed the plain way on the host, over any strides.
#pragma once
#include "numbers.h"

namespace standin {

// All fields are int64, so that a piece of work can be written down as a row of numbers.
struct Tensor {
    int64_t id, bf16, dims[4], strides[4];  // N C H W

    int64_t at(int64_t n, int64_t c, int64_t h, int64_t w) const {
        return n * strides[0] + c * strides[1] + h * strides[2] + w * strides[3];
    }
};

enum Kind : int64_t { forward, backward_data, backward_filter };

struct Work {
    int64_t engine, kind, stride, pad, bias, residual, relu;
    int64_t tf32;  // factors are rounded to 10 bits of mantissa
    Tensor x, w, y, b, z;
};

inline float load(const Tensor& t, const void* data, int64_t i) {
    return t.bf16 ? bits(uint32_t(static_cast<const uint16_t*>(data)[i]) << 16) : static_cast<const float*>(data)[i];
}
inline void store(const Tensor& t, void* data, int64_t i, float value) {
    if (t.bf16) static_cast<uint16_t*>(data)[i] = uint16_t(bits(rounded(value, 16)) >> 16);
    else static_cast<float*>(data)[i] = value;
}

// data: x, w, y, bias, residual
inline void run(const Work& work, void* const data[5]) {
    auto factor = [&](const Tensor& t, const void* d, int64_t i) { return work.tf32 ? rounded(load(t, d, i), 13) : load(t, d, i); };
    const Tensor &x = work.x, &w = work.w, &y = work.y;
    const int64_t n = x.dims[0], ci = x.dims[1], h = x.dims[2], wide = x.dims[3], co = w.dims[0], kh = w.dims[2], kw = w.dims[3];
    // of every product: which image, channels, output place and filter place
    auto each = [&](int64_t image, int64_t o, int64_t c, int64_t oy, int64_t ox, int64_t ky, int64_t kx, auto use) {
        int64_t iy = oy * work.stride - work.pad + ky, ix = ox * work.stride - work.pad + kx;
        if (iy < 0 || ix < 0 || iy >= h || ix >= wide) return;
        use(x.at(image, c, iy, ix), w.at(o, c, ky, kx), y.at(image, o, oy, ox));
    };
    if (work.kind == forward) {
        for (int64_t i = 0; i < n; i++)
            for (int64_t o = 0; o < co; o++)
                for (int64_t oy = 0; oy < y.dims[2]; oy++)
                    for (int64_t ox = 0; ox < y.dims[3]; ox++) {
                        float sum = 0;
                        for (int64_t c = 0; c < ci; c++)
                            for (int64_t ky = 0; ky < kh; ky++)
                                for (int64_t kx = 0; kx < kw; kx++)
                                    each(i, o, c, oy, ox, ky, kx, [&](int64_t xi, int64_t wi, int64_t) {
                                        sum += factor(x, data[0], xi) * factor(w, data[1], wi);
                                    });
                        if (work.residual) sum += load(work.z, data[4], work.z.at(i, o, oy, ox));
                        if (work.bias) sum += load(work.b, data[3], work.b.at(0, o, 0, 0));
                        if (work.relu) sum = sum < 0 ? 0 : sum;
                        store(y, data[2], y.at(i, o, oy, ox), sum);
                    }
        return;
    }
    // the gradients scatter into fp32 first
    const Tensor& result = work.kind == backward_data ? x : w;
    int64_t size = result.dims[0] * result.dims[1] * result.dims[2] * result.dims[3];
    float* sums = new float[size]();
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < co; o++)
            for (int64_t oy = 0; oy < y.dims[2]; oy++)
                for (int64_t ox = 0; ox < y.dims[3]; ox++)
                    for (int64_t c = 0; c < ci; c++)
                        for (int64_t ky = 0; ky < kh; ky++)
                            for (int64_t kx = 0; kx < kw; kx++)
                                each(i, o, c, oy, ox, ky, kx, [&](int64_t xi, int64_t wi, int64_t yi) {
                                    float dy = factor(y, data[2], yi);
                                    if (work.kind == backward_data) sums[xi] += dy * factor(w, data[1], wi);
                                    else sums[wi] += dy * factor(x, data[0], xi);
                                });
    for (int64_t i = 0; i < size; i++) store(result, data[work.kind == backward_data ? 0 : 1], i, sums[i]);
    delete[] sums;
}

}  // namespace standin
