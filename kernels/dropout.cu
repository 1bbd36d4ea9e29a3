// Dropout (Srivastava et al. 2014): y = x / (1 - p) with probability 1 - p, else 0. Element i is kept when number
// `counter + i` of the stream SplitMix64(seed) is below the threshold, so backward draws the same mask again and keeps nothing.
#include "common.cuh"
#include "random.cuh"

ARGS_T(Dropout, const T* x; T* y; i64 n; i64 seed; i64 counter; i64 threshold; double scale;)

KERNEL_T(dropout_fwd, Dropout) {
    const float scale = (float)a.scale;
    KERNEL_LOOP(i, a.n) {
        a.y[i] = T(a.x[i] * (random_bits(a.seed, a.counter + i) < a.threshold ? scale : 0.0f));  // a product, so that NaN stays NaN
    }
}
