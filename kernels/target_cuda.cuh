// CUDA target: grids of blocks, reductions by warp shuffles and shared memory.
#pragma once

#if !defined(SPARSERCNN_EMULATE)  // native/emulator/target_emulated.h has its own; the rest is emulated as it is
#define DEVICE static __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#define METHOD __device__ __forceinline__
#define KERNEL(name, Args) extern "C" __global__ void name(const __grid_constant__ Args a)
#define KERNEL_T(name, Args)                                                                         \
    template <class T>                                                                               \
    DEVICE void name##_body(const Args<T>& a);                                                       \
    extern "C" __global__ void name##_f32(const __grid_constant__ Args<float> a) { name##_body(a); } \
    extern "C" __global__ void name##_bf16(const __grid_constant__ Args<bf16> a) { name##_body(a); } \
    template <class T>                                                                               \
    DEVICE void name##_body(const Args<T>& a)
#define SHARED(type, name, count) __shared__ type name[count]
#endif

#define KERNEL_LOOP(i, n)                                                                     \
    for (i64 i = blockIdx.x * (i64)blockDim.x + threadIdx.x, n_##i = (n); i < n_##i;          \
         i += (i64)gridDim.x * blockDim.x)
#define ROW() ((i64)blockIdx.x)
#define BLOCK_LOOP(i, n) for (i64 i = threadIdx.x, end_##i = (n); i < end_##i; i += blockDim.x)
#define BLOCK_LEADER if (threadIdx.x == 0)
#define BLOCK_SYNC() __syncthreads()

// Every thread of the block must call these; block sizes are multiples of 32.
template <class T, class Combine>
DEVICE T block_reduce(T v, Combine combine) {
    SHARED(T, parts, 32);
    for (int offset = 16; offset > 0; offset >>= 1) v = combine(v, __shfl_xor_sync(0xffffffffu, v, offset));
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    __syncthreads();  // an earlier reduction may still be read
    if (lane == 0) parts[warp] = v;
    __syncthreads();
    T total = parts[0];
    for (int w = 1; w < warps; ++w) total = combine(total, parts[w]);
    return total;
}
DEVICE float block_sum(float v) { return block_reduce(v, [](float x, float y) { return x + y; }); }
DEVICE double block_sum(double v) { return block_reduce(v, [](double x, double y) { return x + y; }); }
DEVICE uint64_t block_sum(uint64_t v) { return block_reduce(v, [](uint64_t x, uint64_t y) { return x + y; }); }
DEVICE float block_max(float v) { return block_reduce(v, [](float x, float y) { return !(x >= y) && !(y != y) ? y : (y != y ? y : x); }); }

template <class Term>
DEVICE void column_sum(i64 cols, i64 first, i64 last, float* out, Term term) {
    BLOCK_LOOP(c, cols) {
        float sum = 0;
        for (i64 r = first; r < last; ++r) sum += term(r, c);
        out[c] = sum;
    }
}
