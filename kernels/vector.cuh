// 16 bytes at a time, for kernels that only a GPU runs: one instruction moves 4 fp32 or 8 bf16 numbers.
#pragma once
#include "common.cuh"

template <class T>
struct alignas(16) Vector {
    static constexpr int size = 16 / sizeof(T);
    T at[size];
};

// The address must be a multiple of 16.
template <class T>
DEVICE void check_aligned([[maybe_unused]] const T* p) {
#if defined(SPARSERCNN_EMULATE)
    if ((uintptr_t)p % 16) emulated_fail("16 bytes at an address that is not a multiple of 16");
#endif
}
template <class T>
DEVICE Vector<T> load_vector(const T* p) {
    check_aligned(p);
    return *(const Vector<T>*)p;
}
template <class T>
DEVICE void store_vector(T* p, const Vector<T>& v) {
    check_aligned(p);
    *(Vector<T>*)p = v;
}

// Adds four numbers to those at p; nothing is said of the order of such additions. One instruction on Hopper, four before.
DEVICE void add_atomic(float* p, float x, float y, float z, float w) {
    check_aligned(p);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    atomicAdd((float4*)p, make_float4(x, y, z, w));
#else
    atomicAdd(p, x);
    atomicAdd(p + 1, y);
    atomicAdd(p + 2, z);
    atomicAdd(p + 3, w);
#endif
}
