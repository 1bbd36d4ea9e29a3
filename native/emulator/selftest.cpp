// Kernels with one mistake each, and their sound twin: the tests see that the emulator catches every mistake. Only part of
// the emulated library.
#include "tensorcore/mma.cuh"

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

// y = 2 a b from tiles laid out both ways: a[r][k] = (3 r + k) % 7, b[k][c] = (k + 5 c) % 5; the first n of 16 rows of 16.
template <bool all_lanes>
DEVICE void multiply_tiles(const Selftest& a) {
    SHARED(bf16, left, 256);
    SHARED(bf16, right, 256);
    SHARED(bf16, right_transposed, 256);
    BLOCK_LOOP(i, 256) {
        left[i] = bf16((float)((3 * (i / 16) + i % 16) % 7));
        right[i] = right_transposed[i % 16 * 16 + i / 16] = bf16((float)((i / 16 + 5 * (i % 16)) % 5));
    }
    BLOCK_SYNC();
    if (warp_id() > 0 || (!all_lanes && threadIdx.x == 7)) return;
    Factor f, g, h;
    load_factor(f, left, 16);
    load_right(g, right, 16);
    load_factor(h, right_transposed, 16);
    for (int n = 0; n < 2; ++n) {
        Sums sums = {};
        multiply(sums, f, g[2 * n], g[2 * n + 1]);
        multiply(sums, f, h[n], h[n + 2]);
        for (int i = 0; i < 4; ++i) {
            const i64 at = (lane_row() + i / 2 * 8) * 16 + 8 * n + lane_column() + i % 2;
            if (at < a.n) a.y[ROW() * a.n + at] = sums[i];
        }
    }
}
KERNEL(selftest_tiles, Selftest) { multiply_tiles<true>(a); }
KERNEL(selftest_tiles_without_lane_7, Selftest) { multiply_tiles<false>(a); }

KERNEL(selftest_tiles_from_global_memory, Selftest) {
    Factor f;
    load_factor(f, (const bf16*)a.x, 8);
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = (float)f[0];
}

// y = x turned around; the copy is a thread's own until it has waited for it and then for the others.
template <bool wait, bool barrier>
DEVICE void turn_around_by_copies(const Selftest& a) {
    SHARED(float, values, 1024);
    for (i64 i = 4 * threadIdx.x; i < a.n; i += 4 * blockDim.x) copy_begin(values + i, a.x + i);
    copy_commit();
    copy_commit();  // an empty group
    if (wait)
        copy_wait<1>();
    else
        copy_wait<2>();
    if (barrier) BLOCK_SYNC();
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = values[a.n - 1 - i];
}
KERNEL(selftest_copies, Selftest) { turn_around_by_copies<true, true>(a); }
KERNEL(selftest_copies_without_a_barrier, Selftest) { turn_around_by_copies<true, false>(a); }
KERNEL(selftest_copies_not_waited_for, Selftest) { turn_around_by_copies<false, true>(a); }

// What was read before lies under a copy that has begun.
KERNEL(selftest_copies_over_what_is_read, Selftest) {
    SHARED(float, values, 1024);
    BLOCK_LOOP(i, a.n) values[i] = 2 * a.x[i];
    BLOCK_SYNC();
    BLOCK_LOOP(i, a.n / 4) copy_begin(values + 4 * i, a.x + 4 * i);
    copy_commit();
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = values[a.n - 1 - i];
    copy_wait<0>();
}

KERNEL(selftest_vector_at_an_odd_address, Selftest) {
    const Vector<float> v = load_vector(a.x + 2);
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = v.at[0];
}

KERNEL(selftest_past_the_memory_of_the_launch, Selftest) {
    BLOCK_LEADER dynamic_shared()[0] = 0;
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = a.x[i];
}

KERNEL_OF(selftest_of_blocks_of_64, Selftest, 64, 1) {
    BLOCK_LOOP(i, a.n) a.y[ROW() * a.n + i] = a.x[i];
}
