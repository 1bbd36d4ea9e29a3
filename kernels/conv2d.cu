// The convolution itself is the device's (cuDNN, or native/conv.cpp); here is the scaling of its weights by channel, which
// folds a frozen batch norm into them: out[o, :] = w[o, :] * scale[o].
#include "common.cuh"

ARGS(ScaleRows, const float* w; const float* scale; float* out; i64 rows; i64 cols;)

KERNEL(conv2d_scale_rows_f32, ScaleRows) {
    const i64 row = ROW();
    const float s = a.scale[row];
    BLOCK_LOOP(i, a.cols) a.out[row * a.cols + i] = a.w[row * a.cols + i] * s;
}
