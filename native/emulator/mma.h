// The words of kernels/tensorcore/mma.cuh on fibers: tiles are put together from all lanes of the warp, as the PTX ISA spreads
// them, and multiplied by the last lane to come. Part of mma.cuh alone.
#pragma once

#define KERNEL_OF(name, Args, threads, blocks)                                                        \
    static void name##_thread(const Args& a);                                                         \
    static void name##_checked(const Args& a) {                                                       \
        if (blockDim.x != (threads)) return emulated_fail("written for blocks of " #threads " threads"); \
        name##_thread(a);                                                                             \
    }                                                                                                 \
    KERNEL_ENTRY(name, Args, name##_checked)                                                          \
    static void name##_thread([[maybe_unused]] const Args& a)

#define ROLLED

DEVICE char* dynamic_shared() { return (char*)emulated_dynamic_shared(); }

// Where a word is used: threads that stand at two different uses are not together.
#define HERE Site site = {__builtin_FILE(), __builtin_LINE()}

inline void warp_sync(HERE) { emulated_with_warp(0xffffffffu, emulated_meeting, nullptr, site); }

DEVICE void copy_begin(void* to, const void* from) { emulated_copy_begin(to, from); }
DEVICE void copy_commit() { emulated_copy_commit(); }
template <int pending>
DEVICE void copy_wait() {
    emulated_copy_wait(pending);
}

struct TileRow {
    const bf16* row;
    uint32_t* to;
};

// Register i of lane l: of tile i, the elements (l / 4, 2 (l % 4)) and the one right of it; below it where transposed.
template <bool transposed>
inline WarpFault load_tiles_of_warp(unsigned, void* const* lanes) {
    for (int lane = 0; lane < 32; ++lane) {
        const bf16* row = ((const TileRow*)lanes[lane])->row;
        if ((uintptr_t)row % 16 || !emulated_in_shared(row, 16)) return {lane, " with a row that is not 16 aligned bytes of shared memory"};
    }
    for (int lane = 0; lane < 32; ++lane)
        for (int tile = 0; tile < 4; ++tile) {
            uint32_t pair = 0;
            for (int j = 0; j < 2; ++j) {
                const int r = transposed ? lane % 4 * 2 + j : lane / 4, c = transposed ? lane / 4 : lane % 4 * 2 + j;
                pair |= (uint32_t)((const TileRow*)lanes[8 * tile + r])->row[c].bits << 16 * j;
            }
            ((const TileRow*)lanes[lane])->to[tile] = pair;
        }
    return {};
}
static const WarpWork loading_tiles{"ldmatrix", load_tiles_of_warp<false>};
static const WarpWork loading_tiles_transposed{"ldmatrix.trans", load_tiles_of_warp<true>};

inline void load_tiles(Factor& f, const bf16* row, HERE) {
    TileRow lane{row, f};
    emulated_with_warp(0xffffffffu, loading_tiles, &lane, site);
}
inline void load_tiles_transposed(Factor& f, const bf16* row, HERE) {
    TileRow lane{row, f};
    emulated_with_warp(0xffffffffu, loading_tiles_transposed, &lane, site);
}

struct Product {
    float* sums;
    const uint32_t* a;
    uint32_t b[2];
};

inline float half_of(uint32_t pair, int which) { return bits_to_float((int32_t)(which ? pair & 0xffff0000u : pair << 16)); }

inline WarpFault multiply_in_warp(unsigned, void* const* lanes) {
    float a[16][16], b[16][8];
    for (int lane = 0; lane < 32; ++lane) {
        const Product& p = *(const Product*)lanes[lane];
        const int g = lane / 4, t2 = lane % 4 * 2;
        for (int j = 0; j < 2; ++j) {
            for (int i = 0; i < 4; ++i) a[g + i % 2 * 8][t2 + i / 2 * 8 + j] = half_of(p.a[i], j);
            for (int i = 0; i < 2; ++i) b[t2 + i * 8 + j][g] = half_of(p.b[i], j);
        }
    }
    for (int lane = 0; lane < 32; ++lane) {
        const int g = lane / 4, t2 = lane % 4 * 2;
        for (int i = 0; i < 4; ++i) {
            float& sum = ((const Product*)lanes[lane])->sums[i];
            for (int k = 0; k < 16; ++k) sum += a[g + i / 2 * 8][k] * b[k][t2 + i % 2];
        }
    }
    return {};
}
static const WarpWork multiplying{"mma", multiply_in_warp};

inline void multiply(Sums& sums, const Factor& a, uint32_t b0, uint32_t b1, HERE) {
    Product lane{sums, a, {b0, b1}};
    emulated_with_warp(0xffffffffu, multiplying, &lane, site);
}
