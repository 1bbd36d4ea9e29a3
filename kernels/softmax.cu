// Softmax over the last axis: y = e^(x - max x) / sum e^(x - max x). y may lie where x does.
#include "common.cuh"

ARGS(SoftmaxFwd, const float* x; float* y; i64 rows; i64 cols;)

// Floats in the order of signed integers, its own inverse. g++ vectorises an integer maximum, a float one only where it may
// assume that there is no NaN. A NaN lost here comes back through the sum.
DEVICE int32_t order_key(int32_t bits) { return bits ^ ((bits >> 31) & 0x7fffffff); }

KERNEL(softmax_fwd_f32, SoftmaxFwd) {
    const i64 row = ROW();
    const float* x = a.x + row * a.cols;
    float* y = a.y + row * a.cols;
    int32_t key = order_key(float_to_bits(-INFINITY_F));
    BLOCK_LOOP(i, a.cols) {
        const int32_t k = order_key(float_to_bits(x[i]));
        key = k > key ? k : key;
    }
    const float max = block_max(bits_to_float(order_key(key)));
    float sum = 0;
    BLOCK_LOOP(i, a.cols) {
        const float e = exp_f(x[i] - max);
        y[i] = e;
        sum += e;
    }
    const float scale = 1.0f / block_sum(sum);
    BLOCK_LOOP(i, a.cols) y[i] *= scale;
}

// dx = y (dy - sum(dy y)). dx may lie where dy does.
ARGS(SoftmaxBwd, const float* dy; const float* y; float* dx; i64 rows; i64 cols;)

KERNEL(softmax_bwd_f32, SoftmaxBwd) {
    const i64 row = ROW();
    const float *y = a.y + row * a.cols, *dy = a.dy + row * a.cols;
    float* dx = a.dx + row * a.cols;
    float product = 0;
    BLOCK_LOOP(i, a.cols) product += dy[i] * y[i];
    const float total = block_sum(product);
    BLOCK_LOOP(i, a.cols) dx[i] = y[i] * (dy[i] - total);
}
