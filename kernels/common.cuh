// The words in which every kernel is written. One source, three targets:
//   nvcc                       a grid of blocks of threads;
//   g++                        a block has one thread, so a block loop is a plain loop that the compiler vectorises;
//   g++ -DSPARSERCNN_EMULATE   real block sizes on fibers, in any order of threads (native/emulator), for tests.
//
//   ARGS(Name, fields)    the struct a kernel takes by value; every field is 8 bytes: pointer, i64 or double
//   KERNEL(name, Name)    defines a kernel; its arguments are called `a`
//   ARGS_T, KERNEL_T      the same over an element type T: KERNEL_T(relu_fwd, ReluFwd) defines relu_fwd_f32 and relu_fwd_bf16
//   KERNEL_LOOP(i, n)     over n elements, shared out among all threads of the grid
//   ROW()                 the index of this block, for kernels with one block per row
//   BLOCK_LOOP(i, n)      over n elements, shared out among the threads of this block
//   BLOCK_LEADER          the statement after it runs in one thread of the block
//   BLOCK_SYNC()          a barrier for the block
//   block_sum, block_max  reduce one value per thread; every thread gets the result
//   column_sum            out[c] = sum of term(r, c) over rows [first, last), columns shared out among the threads
//   block_rows            body(r, c) for every element of a chunk of rows, shared out among the threads
//   STRIP                 how many neighbouring elements a thread takes at a time where it holds them in registers
//
// NaN propagates: comparisons are written so that a NaN operand wins.
#pragma once
#include <cstdint>

typedef int64_t i64;

// The fields stand once: as the struct, and as the text that Java compares with its own list of names.
#define ARGS(Name, ...)                                                  \
    struct Name {                                                        \
        __VA_ARGS__                                                      \
        static constexpr const char* fields = #__VA_ARGS__;              \
    };                                                                   \
    static_assert(sizeof(Name) % 8 == 0 && sizeof(Name) <= 4096, "8-byte fields, at most 4 KB");

#define ARGS_T(Name, ...)                                                \
    template <class T>                                                   \
    struct Name {                                                        \
        __VA_ARGS__                                                      \
        static constexpr const char* fields = #__VA_ARGS__;              \
    };                                                                   \
    static_assert(sizeof(Name<float>) % 8 == 0 && sizeof(Name<float>) <= 4096, "8-byte fields, at most 4 KB");

#if defined(__CUDACC__)
#include "target_cuda.cuh"
#elif defined(SPARSERCNN_EMULATE)
#include "../native/emulator/target_emulated.h"
#else
#include "target_cpu.h"
#endif

#include "math.cuh"
#include "bf16.cuh"

// Rows [first, last) of chunk `index` when `rows` are cut into `chunks` equal parts (the cut depends on shapes alone).
struct Chunk {
    i64 first, last;
};
DEVICE Chunk chunk_of(i64 index, i64 chunks, i64 rows) {
    return {index * rows / chunks, (index + 1) * rows / chunks};
}

#if defined(__CUDACC__) || defined(SPARSERCNN_EMULATE)
#define STRIP 1
#else
#define STRIP 16
#endif

// On the CPU the loop over columns has no division in it and vectorises; on a GPU rows shorter than a block would idle threads.
template <class Body>
DEVICE void block_rows(Chunk rows, i64 cols, Body body) {
#if defined(__CUDACC__) || defined(SPARSERCNN_EMULATE)
    BLOCK_LOOP(i, (rows.last - rows.first) * cols) body(rows.first + i / cols, i % cols);
#else
    for (i64 r = rows.first; r < rows.last; ++r)
        for (i64 c = 0; c < cols; ++c) body(r, c);
#endif
}
