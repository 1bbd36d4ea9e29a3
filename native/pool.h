// A pool of pinned threads that runs the blocks of a kernel. One job at a time per pool; the caller works too.
#pragma once
#include <cstddef>
#include <cstdint>

typedef int64_t i64;
#define EXPORT extern "C" __attribute__((visibility("default")))

// Runs blocks [first, last) of `count`.
typedef void (*BlockRange)(const void* args, i64 first, i64 last, i64 count);

struct Pool;

// Calls body for disjoint ranges that cover [0, count). Which thread gets which range is left open, so a block may only
// write what no other block writes.
void pool_run(Pool* pool, BlockRange body, const void* args, i64 count);

// Memory of the calling thread that stays allocated between calls; `slot` tells buffers of one task apart.
float* thread_scratch(int slot, i64 floats);
