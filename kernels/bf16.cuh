// bf16, the upper half of an fp32 number, as our own type on every target. It is for memory: arithmetic is fp32. Reading
// converts by itself, writing says so: y[i] = T(sum).
#pragma once

struct bf16 {
    uint16_t bits;

    bf16() = default;
    // Rounds to nearest, ties to even; NaN stays NaN.
    METHOD explicit bf16(float x) {
#if defined(__CUDA_ARCH__)
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
#else
        const uint32_t u = (uint32_t)float_to_bits(x);
        const uint32_t rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
        bits = (uint16_t)(x != x ? (u >> 16) | 0x40 : rounded);
#endif
    }
    METHOD operator float() const { return bits_to_float((int32_t)((uint32_t)bits << 16)); }
};
