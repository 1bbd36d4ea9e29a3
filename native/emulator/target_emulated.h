// Emulated target: CUDA's own words on fibers, so that target_cuda.cuh itself is what runs, with real blocks and warps, on a
// machine without a card. Only how a kernel is entered, and where shared memory lies, differs. For tests: slow, strict, and
// in any order of threads.
#pragma once
#include <cmath>
#include <cstring>

#define DEVICE static inline __attribute__((always_inline))
#define EXPORT extern "C" __attribute__((visibility("default")))
#define UNROLL

#define METHOD inline

#define KERNEL_ENTRY(name, Args, body)                                      \
    EXPORT const char* name##_fields() { return Args::fields; }             \
    EXPORT void name(const Args* args) { body(*args); }
#define KERNEL(name, Args)                                                  \
    static void name##_thread(const Args& a);                               \
    KERNEL_ENTRY(name, Args, name##_thread)                                 \
    static void name##_thread([[maybe_unused]] const Args& a)
#define KERNEL_T(name, Args)                                                \
    template <class T>                                                      \
    static void name##_thread(const Args<T>& a);                            \
    KERNEL_ENTRY(name##_f32, Args<float>, name##_thread)                    \
    KERNEL_ENTRY(name##_bf16, Args<bf16>, name##_thread)                    \
    template <class T>                                                      \
    static void name##_thread([[maybe_unused]] const Args<T>& a)

// One array for each block and place in the source, which the static marks.
#define SHARED(type, name, count) \
    static char name##_mark;      \
    type(&name)[count] = *(type(*)[count])emulated_shared(&name##_mark, #name, sizeof(type) * (count))

#define __syncthreads() emulated_barrier({__FILE__, __LINE__})
#define __shfl_xor_sync(mask, value, lanes) emulated_shuffle(mask, value, (threadIdx.x ^ (lanes)) & 31, {__FILE__, __LINE__})

struct Dim {
    unsigned x;
};
extern Dim threadIdx, blockIdx, blockDim, gridDim;

struct Site {
    const char* file;
    int line;
};
void* emulated_shared(const void* mark, const char* name, size_t bytes);
void emulated_barrier(Site site);
uint64_t emulated_shuffle_bits(unsigned mask, uint64_t bits, unsigned source, Site site);

template <class T>
inline T emulated_shuffle(unsigned mask, T value, unsigned source, Site site) {
    static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(T));
    bits = emulated_shuffle_bits(mask, bits, source, site);
    memcpy(&value, &bits, sizeof(T));
    return value;
}

#include "target_cuda.cuh"
