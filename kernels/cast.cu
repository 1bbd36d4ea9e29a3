// The same numbers in fp32 and bf16.
#include "common.cuh"

ARGS(CastToBf16, const float* x; bf16* y; i64 n;)

KERNEL(cast_f32_to_bf16, CastToBf16) {
    KERNEL_LOOP(i, a.n) a.y[i] = bf16(a.x[i]);
}

ARGS(CastToF32, const bf16* x; float* y; i64 n;)

KERNEL(cast_bf16_to_f32, CastToF32) {
    KERNEL_LOOP(i, a.n) a.y[i] = (float)a.x[i];
}
