// Words for kernels that only a GPU runs: the tensor cores (sm_80 and later), warps, dynamic shared memory and copies that run
// behind the threads. native/emulator/mma.h has the same words for the tests.
//
//   KERNEL_OF(name, Args, threads, blocks)   a kernel written for blocks of so many threads, of which so many share a
//                                            multiprocessor
//   dynamic_shared()                         the shared memory a launch asked for, aligned to 128 bytes
//   warp_sync()                              a barrier for the warp
//   copy_begin(to, from)                     16 bytes from global to shared memory, behind the thread
//   copy_commit(), copy_wait<pending>()      ends a group of copies; waits for all groups but the `pending` latest. What other
//                                            threads copied is there after a BLOCK_SYNC() behind it
//   ROLLED                                   keeps the loop after it a loop: code that is fetched once and used often
//   Factor, Sums                             the tiles of m16n8k16 as the PTX ISA spreads them over a warp
//   load_tiles, load_tiles_transposed        four 8x8 tiles of bf16 from shared memory; each lane names one row (ldmatrix)
//   multiply(sums, a, b0, b1)                sums (16, 8) += a (16, 16) b (16, 8): bf16 factors, fp32 sums (mma.sync)
//
// With g = lane / 4 and t = lane % 4, a lane holds
//   of a: rows g and g + 8, columns 2t, 2t + 1 (a[0], a[1]) and 2t + 8, 2t + 9 (a[2], a[3]);
//   of b: column g, rows 2t, 2t + 1 (b0) and 2t + 8, 2t + 9 (b1);
//   of the sums: rows g (0, 1) and g + 8 (2, 3), columns 2t, 2t + 1.
#pragma once
#include "common.cuh"
#include "vector.cuh"

typedef uint32_t Factor[4];
typedef float Sums[4];

#if defined(SPARSERCNN_EMULATE)
#include "emulator/mma.h"
#else

#define KERNEL_OF(name, Args, threads, blocks) \
    extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ Args a)

#define ROLLED _Pragma("unroll 1")

extern __shared__ __align__(128) char launch_shared[];
DEVICE char* dynamic_shared() { return launch_shared; }

DEVICE void warp_sync() { __syncwarp(); }

DEVICE uint32_t shared_address(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }

// Past L1 (.cg): nothing is read twice by a block.
DEVICE void copy_begin(void* to, const void* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
DEVICE void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending>
DEVICE void copy_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

DEVICE void load_tiles(Factor& f, const bf16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(f[0]), "=r"(f[1]), "=r"(f[2]), "=r"(f[3])
                 : "r"(shared_address(row))
                 : "memory");
}
DEVICE void load_tiles_transposed(Factor& f, const bf16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(f[0]), "=r"(f[1]), "=r"(f[2]), "=r"(f[3])
                 : "r"(shared_address(row))
                 : "memory");
}

DEVICE void multiply(Sums& sums, const Factor& a, uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#endif

// A lane's place.
DEVICE int lane_id() { return (int)threadIdx.x & 31; }
DEVICE int warp_id() { return (int)threadIdx.x >> 5; }
DEVICE int lane_row() { return lane_id() >> 2; }         // g
DEVICE int lane_column() { return 2 * (lane_id() & 3); }  // 2t

// The 16x16 tile at `tile` of a row-major matrix whose rows lie `stride` elements apart: as the left factor, or, where it has
// the rows of the right factor's transpose (n, k), as two right factors: columns 0 to 7 are f[0], f[2], 8 to 15 f[1], f[3].
DEVICE void load_factor(Factor& f, const bf16* tile, int stride) {
    load_tiles(f, tile + (lane_id() & 15) * stride + (lane_id() >> 4) * 8);
}
// The tile (k, n) as two right factors: columns 0 to 7 are f[0], f[1], columns 8 to 15 are f[2], f[3].
DEVICE void load_right(Factor& f, const bf16* tile, int stride) {
    load_tiles_transposed(f, tile + (lane_id() & 15) * stride + (lane_id() >> 4) * 8);
}

// Over the four lanes that share the rows of a tile of sums.
DEVICE float quad_sum(float v) {
    v += __shfl_xor_sync(0xffffffffu, v, 1);
    return v + __shfl_xor_sync(0xffffffffu, v, 2);
}
DEVICE float quad_max(float v) {
    v = max_nan(v, __shfl_xor_sync(0xffffffffu, v, 1));
    return max_nan(v, __shfl_xor_sync(0xffffffffu, v, 2));
}

// Two neighbours as bf16, the left one in the lower half.
DEVICE uint32_t pack(float left, float right) {
#if defined(__CUDA_ARCH__)
    uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(right), "f"(left));
    return pair;
#else
    return (uint32_t)bf16(left).bits | (uint32_t)bf16(right).bits << 16;
#endif
}
