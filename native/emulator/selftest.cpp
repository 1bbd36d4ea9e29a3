// Kernels with one mistake each, and their sound twin: the tests see that the emulator catches every mistake. Only part of
// the emulated library.
#include "common.cuh"

ARGS(Selftest, const float* x; float* y; i64 n;)

// y = x and 2 x turned around by way of the same shared memory, added up.
template <bool barrier_before_reading, bool barrier_before_writing_again>
DEVICE void turn_around(const Selftest& a) {
    SHARED(float, values, 1024);
    for (int round = 1; round <= 2; ++round) {
        if (barrier_before_writing_again) BLOCK_SYNC();
        BLOCK_LOOP(i, a.n) values[i] = a.x[i] * (float)round;
        if (barrier_before_reading) BLOCK_SYNC();
        BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = (round == 1 ? 0.0f : a.y[ROW() * a.n + i]) + values[a.n - 1 - i];
    }
}

KERNEL(selftest_sound, Selftest) { turn_around<true, true>(a); }
KERNEL(selftest_no_barrier_before_reading, Selftest) { turn_around<false, true>(a); }
KERNEL(selftest_no_barrier_before_writing_again, Selftest) { turn_around<true, false>(a); }

KERNEL(selftest_reduction, Selftest) {
    float sum = 0;
    BLOCK_LOOP(i, a.n) sum += a.x[i];
    const float total = block_sum(sum), most = block_max(sum);
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = total + most;
}

// block_reduce without its first barrier: what a slow warp still reads of the first sum, a fast one overwrites.
DEVICE float hasty_block_sum(float v) {
    SHARED(float, parts, 32);
    for (int lanes = 16; lanes > 0; lanes >>= 1) v += __shfl_xor_sync(0xffffffffu, v, lanes);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
    BLOCK_SYNC();
    float total = 0;
    for (unsigned w = 0; w < blockDim.x / 32; ++w) total += parts[w];
    return total;
}
KERNEL(selftest_hasty_reductions, Selftest) {
    float sum = 0;
    BLOCK_LOOP(i, a.n) sum += a.x[i];
    const float total = hasty_block_sum(sum), twice = hasty_block_sum(2 * sum);
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = twice - total;
}

KERNEL(selftest_barrier_for_one, Selftest) {
    BLOCK_LEADER BLOCK_SYNC();
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = a.x[i];
}

KERNEL(selftest_barrier_in_both_branches, Selftest) {
    if (threadIdx.x < blockDim.x / 2) {
        BLOCK_SYNC();
    } else {
        BLOCK_SYNC();
    }
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = a.x[i];
}

KERNEL(selftest_sum_in_a_loop_of_unequal_length, Selftest) {
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = block_sum(a.x[i]);
}

KERNEL(selftest_shuffle_without_lane_5, Selftest) {
    float v = a.x[0];
    if (threadIdx.x % 32 != 5) v = __shfl_xor_sync(0xffffffffu, v, 1);
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = v;
}

KERNEL(selftest_shuffle_from_an_unnamed_lane, Selftest) {
    float v = a.x[0];
    if (threadIdx.x % 32 < 16) v = __shfl_xor_sync(0x0000ffffu, v, 16);
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = v;
}

KERNEL(selftest_reads_unwritten_shared_memory, Selftest) {
    SHARED(float, values, 1024);
    BLOCK_LEADER values[0] = a.x[0];
    BLOCK_SYNC();
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = values[i];
}

KERNEL(selftest_writes_past_shared_memory, Selftest) {
    SHARED(float, values, 4);
    BLOCK_LOOP(i, 5) values[i] = a.x[0];
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = a.x[0];
}

KERNEL(selftest_leaves_the_last_element, Selftest) {
    BLOCK_LOOP(i, a.n - 1) a.y[ROW() * a.n + i] = a.x[i];
}

KERNEL(selftest_writes_past_the_end, Selftest) {
    BLOCK_LOOP(i, a.n + 1) a.y[ROW() * a.n + i] = a.x[0];
}

// Every block adds to what the block before it wrote.
KERNEL(selftest_reads_another_block, Selftest) {
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = a.x[i] + (ROW() == 0 ? 0.0f : a.y[(ROW() - 1) * a.n + i]);
}
