// Emulated target: CUDA's own words on fibers, so that target_cuda.cuh itself is what runs, with real blocks and warps, on a
// machine without a card. Only how a kernel is entered, and where shared memory lies, differs. For tests: slow, strict, and
// in any order of threads.
#pragma once
#include <cmath>
#include <cstring>
#include <string>

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
#define __syncwarp() emulated_with_warp(0xffffffffu, emulated_meeting, nullptr, {__FILE__, __LINE__})
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
void* emulated_dynamic_shared();  // what the launch asked for, aligned to 128 bytes
bool emulated_in_shared(const void* address, size_t bytes);

// Ends the launch with this message. The thread itself goes on to its next stop.
void emulated_fail(const char* what);

// What the lanes of a warp do together: the last of those that `mask` names to come does it for all. `data` is a lane's own,
// input and result, and null for a lane that is not named.
struct WarpFault {
    int lane = -1;  // none
    std::string what = {};
};
struct WarpWork {
    const char* name;
    WarpFault (*run)(unsigned mask, void* const* data);
};
void emulated_with_warp(unsigned mask, const WarpWork& work, void* data, Site site);

// 16 bytes from global to shared memory, in groups, as cp.async.
void emulated_copy_begin(void* to, const void* from);
void emulated_copy_commit();
void emulated_copy_wait(int pending);

struct Shuffled {
    uint64_t bits;
    unsigned source;
};
extern const WarpWork emulated_shuffling, emulated_meeting;

template <class T>
inline T emulated_shuffle(unsigned mask, T value, unsigned source, Site site) {
    static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
    Shuffled shuffled{0, source};
    memcpy(&shuffled.bits, &value, sizeof(T));
    emulated_with_warp(mask, emulated_shuffling, &shuffled, site);
    memcpy(&value, &shuffled.bits, sizeof(T));
    return value;
}

// Threads take turns, so a plain sum is one nobody interrupts; the order of additions is the schedule's.
inline float atomicAdd(float* address, float value) {
    const float before = *address;
    *address = before + value;
    return before;
}

#include "target_cuda.cuh"
