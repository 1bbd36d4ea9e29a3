// Dropout (Srivastava et al. 2014): y = x / (1 - p) with probability 1 - p, else 0. Element i is kept when number
// `counter + i` of the stream SplitMix64(seed) is below the threshold, so backward draws the same mask again and keeps nothing.
#include "common.cuh"

ARGS_T(Dropout, const T* x; T* y; i64 n; i64 seed; i64 counter; i64 threshold; double scale;)

// Steele, Lea, Flood 2014, with Stafford's finaliser 13.
DEVICE uint64_t splitmix64(uint64_t seed, uint64_t index) {
    uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

KERNEL_T(dropout_fwd, Dropout) {
    const float scale = (float)a.scale;
    KERNEL_LOOP(i, a.n) {
        const i64 uniform = (i64)(splitmix64((uint64_t)a.seed, (uint64_t)(a.counter + i)) >> 32);  // in [0, 2^32)
        a.y[i] = T(a.x[i] * (uniform < a.threshold ? scale : 0.0f));  // a product, so that NaN stays NaN
    }
}
