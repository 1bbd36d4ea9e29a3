// Softmax over the last axis: y = e^(x - max x) / sum e^(x - max x). y may lie where x does.
#include "common.cuh"

ARGS_T(SoftmaxFwd, const T* x; T* y; i64 rows; i64 cols;)

// Floats in the order of signed integers, its own inverse. g++ vectorises an integer maximum, a float one only where it may
// assume that there is no NaN. A NaN lost here comes back through the sum.
DEVICE int32_t order_key(int32_t bits) { return bits ^ ((bits >> 31) & 0x7fffffff); }

KERNEL_T(softmax_fwd, SoftmaxFwd) {
    const i64 row = ROW();
    const T* x = a.x + row * a.cols;
    T* y = a.y + row * a.cols;
    constexpr bool keeps_digits = sizeof(T) == sizeof(float);  // bf16 is rounded once: e^x is computed again
    int32_t key = order_key(float_to_bits(-INFINITY_F));
    BLOCK_LOOP(i, a.cols) {
        const int32_t k = order_key(float_to_bits(x[i]));
        key = k > key ? k : key;
    }
    const float max = block_max(bits_to_float(order_key(key)));
    float sum = 0;
    BLOCK_LOOP(i, a.cols) {
        const float e = exp_f(x[i] - max);
        if (keeps_digits) y[i] = T(e);
        sum += e;
    }
    const float scale = 1.0f / block_sum(sum);
    BLOCK_LOOP(i, a.cols) y[i] = T((keeps_digits ? (float)y[i] : exp_f(x[i] - max)) * scale);
}

// dx = y (dy - sum(dy y)). dx may lie where dy does.
ARGS_T(SoftmaxBwd, const T* dy; const T* y; T* dx; i64 rows; i64 cols;)

KERNEL_T(softmax_bwd, SoftmaxBwd) {
    const i64 row = ROW();
    const T *y = a.y + row * a.cols, *dy = a.dy + row * a.cols;
    T* dx = a.dx + row * a.cols;
    float product = 0;
    BLOCK_LOOP(i, a.cols) product += dy[i] * y[i];
    const float total = block_sum(product);
    BLOCK_LOOP(i, a.cols) dx[i] = T(y[i] * (dy[i] - total));
}
