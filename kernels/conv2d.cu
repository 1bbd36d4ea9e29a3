// The convolution itself is the device's (cuDNN, or native/conv.cpp); here is what its operands need. Scaling the weights by
// channel folds a frozen batch norm into them, and channels are filled up with zeros to the multiple that tensor cores want.
#include "common.cuh"

// w (rows, taps, ci), fp32 -> out (rows, taps, channels) with ci <= channels: out[o, :] = w[o, :] * scale[o]. Without scale: times 1.
ARGS_T(WeightFwd, const float* w; const float* scale; T* out; i64 rows; i64 taps; i64 ci; i64 channels;)

KERNEL_T(conv2d_weight_fwd, WeightFwd) {
    const i64 row = ROW();
    const float s = a.scale ? a.scale[row] : 1.0f;
    const float* w = a.w + row * a.taps * a.ci;
    T* out = a.out + row * a.taps * a.channels;
    if (a.ci == a.channels) {
        BLOCK_LOOP(i, a.taps * a.ci) out[i] = T(w[i] * s);
    } else {
        BLOCK_LOOP(i, a.taps * a.channels) {
            const i64 c = i % a.channels;
            out[i] = T(c < a.ci ? w[i / a.channels * a.ci + c] * s : 0.0f);
        }
    }
}

// The gradient the same way back: dout (rows, taps, channels) -> dw (rows, taps, ci), fp32.
ARGS_T(WeightBwd, const T* dout; const float* scale; float* dw; i64 rows; i64 taps; i64 ci; i64 channels;)

KERNEL_T(conv2d_weight_bwd, WeightBwd) {
    const i64 row = ROW();
    const float s = a.scale ? a.scale[row] : 1.0f;
    const T* dout = a.dout + row * a.taps * a.channels;
    float* dw = a.dw + row * a.taps * a.ci;
    if (a.ci == a.channels) {
        BLOCK_LOOP(i, a.taps * a.ci) dw[i] = dout[i] * s;
    } else {
        BLOCK_LOOP(i, a.taps * a.ci) dw[i] = dout[i / a.ci * a.channels + i % a.ci] * s;
    }
}

// x (lines, width, ci) -> y (lines, width, channels), zeros in the channels that x lacks.
ARGS_T(Pad, const T* x; T* y; i64 lines; i64 width; i64 ci; i64 channels;)

KERNEL_T(conv2d_pad, Pad) {
    const T* x = a.x + ROW() * a.width * a.ci;
    T* y = a.y + ROW() * a.width * a.channels;
    const int32_t ci = (int32_t)a.ci, channels = (int32_t)a.channels;  // a line is short, and GPUs divide 64 bits slowly
    BLOCK_LOOP(i, a.width * a.channels) {
        const int32_t c = (int32_t)i % channels;
        y[i] = c < ci ? x[(int32_t)i / channels * ci + c] : T(0.0f);
    }
}
