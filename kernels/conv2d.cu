// The convolution itself is the device's (cuDNN, or native/conv.cpp); here is what its weights need. Scaling them by output
// channel folds a frozen batch norm into them.
#include "common.cuh"

// w (rows, cols), fp32 -> out[o, :] = w[o, :] * scale[o]. Without scale: times 1.
ARGS_T(WeightFwd, const float* w; const float* scale; T* out; i64 rows; i64 cols;)

KERNEL_T(conv2d_weight_fwd, WeightFwd) {
    const float s = a.scale ? a.scale[ROW()] : 1.0f;
    const float* w = a.w + ROW() * a.cols;
    T* out = a.out + ROW() * a.cols;
    BLOCK_LOOP(i, a.cols) out[i] = T(w[i] * s);
}

// The gradient the same way back.
ARGS_T(WeightBwd, const T* dout; const float* scale; float* dw; i64 rows; i64 cols;)

KERNEL_T(conv2d_weight_bwd, WeightBwd) {
    const float s = a.scale ? a.scale[ROW()] : 1.0f;
    const T* dout = a.dout + ROW() * a.cols;
    float* dw = a.dw + ROW() * a.cols;
    BLOCK_LOOP(i, a.cols) dw[i] = dout[i] * s;
}
