// exp, log and erf as polynomials, so that every target computes the same bits up to the order of sums; g++ vectorises them
// (libm's would be called one element at a time). Errors against the exact value: exp and log below 2 ulp, erf below 4e-7.
#pragma once
#include <cstring>

#define INFINITY_F (__builtin_huge_valf())

DEVICE float max_nan(float x, float y) { return x < y || y != y ? y : x; }
DEVICE float min_nan(float x, float y) { return y < x || y != y ? y : x; }
DEVICE float relu_f(float x) { return x < 0 ? 0.0f : x; }

DEVICE float bits_to_float(int32_t bits) {
    float f;
    memcpy(&f, &bits, 4);
    return f;
}
DEVICE int32_t float_to_bits(float f) {
    int32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

// The gradient before a ReLU whose output was y. A mask of bits rather than a choice: g++ would read dy only where the choice
// falls on it, and such a loop does not vectorise.
DEVICE float relu_gradient(float dy, float y, bool relu = true) {
    return bits_to_float(float_to_bits(dy) & ((int32_t)((y <= 0) & relu) - 1));
}

// The fused multiply-adds below are there for a second reason: g++ may reassociate sums, but never through an fma.
DEVICE float fma_f(float x, float y, float z) { return __builtin_fmaf(x, y, z); }

// One product or sum rounded as it is written, never part of an fma nor reordered: where a comparison with the published
// numbers hangs on the last bit. Such a value keeps the loop around it scalar on the CPU.
#if defined(__CUDACC__)
DEVICE float mul_rn(float x, float y) { return __fmul_rn(x, y); }
DEVICE float add_rn(float x, float y) { return __fadd_rn(x, y); }
#else
DEVICE float as_computed(float x) {
    __asm__("" : "+x"(x));
    return x;
}
DEVICE float mul_rn(float x, float y) { return as_computed(x * y); }
DEVICE float add_rn(float x, float y) { return as_computed(x + y); }
#endif

// e^x = 2^n e^r with |r| <= ln 2 / 2. Overflows to infinity above 88.72, underflows to 0 below -87.33; NaN stays NaN.
DEVICE float exp_f(float x) {
    float c = x > 88.7228f ? 88.7228f : x;
    c = c < -87.3365f ? -87.3365f : c;
    int32_t n = float_to_bits(fma_f(c, 1.44269504f, 12582912.0f)) - 0x4b400000;  // the big number rounds to an integer
    float k = (float)n;
    float r = fma_f(k, 2.12194440e-4f, fma_f(k, -0.693359375f, c));
    float p = 1.9875691500e-4f;
    p = fma_f(p, r, 1.3981999507e-3f);
    p = fma_f(p, r, 8.3334519073e-3f);
    p = fma_f(p, r, 4.1665795894e-2f);
    p = fma_f(p, r, 1.6666665459e-1f);
    p = fma_f(p, r, 5.0000001201e-1f);
    float e = fma_f(p * r, r, r) + 1.0f;
    int32_t half = n >> 1;  // two factors, since 2^128 alone is not a float
    float y = e * bits_to_float((half + 127) << 23) * bits_to_float((n - half + 127) << 23);
    y = x > 88.7228f ? INFINITY_F : y;
    y = x < -87.3365f ? 0.0f : y;
    return x != x ? x : y;
}

// ln x = n ln 2 + ln(1 + m) with 1 + m in [sqrt(1/2), sqrt(2)). ln 0 = -inf, ln of a negative number is NaN.
DEVICE float log_f(float x) {
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;  // denormals
    float shift = x < 1.17549435e-38f ? -23.0f : 0.0f;
    int32_t bits = float_to_bits(scaled);
    int32_t n = ((bits - 0x3f3504f3) >> 23);
    float m = bits_to_float(bits - n * 8388608) - 1.0f;
    float k = (float)n + shift;
    float z = m * m;
    float p = 7.0376836292e-2f;
    p = fma_f(p, m, -1.1514610310e-1f);
    p = fma_f(p, m, 1.1676998740e-1f);
    p = fma_f(p, m, -1.2420140846e-1f);
    p = fma_f(p, m, 1.4249322787e-1f);
    p = fma_f(p, m, -1.6668057665e-1f);
    p = fma_f(p, m, 2.0000714765e-1f);
    p = fma_f(p, m, -2.4999993993e-1f);
    p = fma_f(p, m, 3.3333331174e-1f);
    float tail = fma_f(z, -0.5f, fma_f(k, -2.12194440e-4f, p * m * z));
    float y = fma_f(k, 0.693359375f, m + tail);
    y = x == 0 ? -INFINITY_F : y;
    y = x == INFINITY_F ? x : y;
    return x < 0 || x != x ? bits_to_float(0x7fc00000) : y;
}

// Odd rational approximation on [-4, 4]; beyond it erf is 1 in fp32.
DEVICE float erf_f(float x) {
    float c = x > 4.0f ? 4.0f : x;
    c = c < -4.0f ? -4.0f : c;
    float z = c * c;
    float p = -2.72614225801306e-10f;
    p = p * z + 2.77068142495902e-08f;
    p = p * z - 2.10102402082508e-06f;
    p = p * z - 5.69250639462346e-05f;
    p = p * z - 7.34990630326855e-04f;
    p = p * z - 2.95459980854025e-03f;
    p = p * z - 1.60960333262415e-02f;
    float q = -1.45660718464996e-05f;
    q = q * z - 2.13374055278905e-04f;
    q = q * z - 1.68282697438203e-03f;
    q = q * z - 7.37332916720468e-03f;
    q = q * z - 1.42647390514189e-02f;
    return c * p / q;
}

DEVICE float sigmoid_f(float x) { return 1.0f / (1.0f + exp_f(-x)); }

// ln(1 + e^x) = max(x, 0) + ln(1 + e) with e = e^-|x| in (0, 1]; ln(1 + e) = 2 atanh(e / (2 + e)), a series without cancellation.
DEVICE float softplus_f(float x) {
    float e = exp_f(x > 0 ? -x : x);
    float s = e / (2.0f + e);
    float z = s * s;
    float p = 1.0f / 15;
    p = fma_f(p, z, 1.0f / 13);
    p = fma_f(p, z, 1.0f / 11);
    p = fma_f(p, z, 1.0f / 9);
    p = fma_f(p, z, 1.0f / 7);
    p = fma_f(p, z, 1.0f / 5);
    p = fma_f(p, z, 1.0f / 3);
    return relu_f(x) + 2.0f * fma_f(p * z, s, s);
}
