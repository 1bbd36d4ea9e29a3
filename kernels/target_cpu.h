// CPU target: a block has one thread, blocks are handed out by the thread pool of native/pool.cpp.
#pragma once
#include <cmath>

#define DEVICE static inline __attribute__((always_inline))
#define EXPORT extern "C" __attribute__((visibility("default")))
#define UNROLL

struct Block {
    i64 index, count;
};

#define METHOD inline __attribute__((always_inline))

#define KERNEL_ENTRY(name, Args, body)                                                \
    EXPORT const char* name##_fields() { return Args::fields; }                       \
    EXPORT void name(const Args* args, i64 first, i64 last, i64 count) {              \
        for (i64 b = first; b < last; ++b) body(*args, Block{b, count});              \
    }
#define KERNEL(name, Args)                                                            \
    static inline void name##_block(const Args& a, Block block_);                     \
    KERNEL_ENTRY(name, Args, name##_block)                                            \
    static inline void name##_block([[maybe_unused]] const Args& a, [[maybe_unused]] Block block_)
#define KERNEL_T(name, Args)                                                          \
    template <class T>                                                                \
    static inline void name##_block(const Args<T>& a, Block block_);                  \
    KERNEL_ENTRY(name##_f32, Args<float>, name##_block)                               \
    KERNEL_ENTRY(name##_bf16, Args<bf16>, name##_block)                               \
    template <class T>                                                                \
    static inline void name##_block([[maybe_unused]] const Args<T>& a, [[maybe_unused]] Block block_)

#define KERNEL_LOOP(i, n)                                                                            \
    for (i64 n_##i = (n), i = block_.index * n_##i / block_.count,                                   \
             end_##i = (block_.index + 1) * n_##i / block_.count; i < end_##i; ++i)
#define ROW() (block_.index)
#define BLOCK_LOOP(i, n) for (i64 i = 0, end_##i = (n); i < end_##i; ++i)
#define BLOCK_LEADER
#define BLOCK_SYNC()
#define SHARED(type, name, count) type name[count]

DEVICE float block_sum(float v) { return v; }
DEVICE float block_max(float v) { return v; }
DEVICE double block_sum(double v) { return v; }
DEVICE uint64_t block_sum(uint64_t v) { return v; }

// A strip of columns is summed in registers while the rows go by.
template <i64 strip, class Term>
DEVICE void column_strip(i64 c0, i64 first, i64 last, float* out, Term term) {
    float sum[strip] = {};
    for (i64 r = first; r < last; ++r)
        for (i64 k = 0; k < strip; ++k) sum[k] += term(r, c0 + k);
    for (i64 k = 0; k < strip; ++k) out[c0 + k] = sum[k];
}

template <class Term>
DEVICE void column_sum(i64 cols, i64 first, i64 last, float* out, Term term) {
    i64 c = 0;
    for (; c + 64 <= cols; c += 64) column_strip<64>(c, first, last, out, term);
    for (; c + 16 <= cols; c += 16) column_strip<16>(c, first, last, out, term);
    for (; c + 4 <= cols; c += 4) column_strip<4>(c, first, last, out, term);
    for (; c < cols; ++c) column_strip<1>(c, first, last, out, term);
}
