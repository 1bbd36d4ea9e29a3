// Checksums of tensors of any type. One bit that differs shows, and integers add up to the same in any order.
#include "parameters.cuh"

// A tensor, as words of 32 bits.
struct Words {
    const uint32_t* words;
};

// partial[r] = sum over part r of word * (2 place + 1), modulo 2^64; the place is that in the tensor.
ARGS(ChecksumPartial, const Words* tensors; const Part* parts; uint64_t* partial;)

KERNEL(checksum_partial_f32, ChecksumPartial) {
    const Part part = a.parts[ROW()];
    const uint32_t* words = a.tensors[part.parameter].words + part.first;
    uint64_t sum = 0;
    BLOCK_LOOP(i, part.length) sum += words[i] * (2 * (uint64_t)(part.first + i) + 1);
    const uint64_t total = block_sum(sum);
    BLOCK_LEADER a.partial[ROW()] = total;
}

// A row is a tensor, of which partial[offsets[row]] to partial[offsets[row + 1]] are the parts: y has their sum in four numbers of
// 16 bits, the lowest first, which fp32 holds exactly.
ARGS(ChecksumFinish, const uint64_t* partial; const i64* offsets; float* y;)

KERNEL(checksum_finish_f32, ChecksumFinish) {
    const i64 first = a.offsets[ROW()], count = a.offsets[ROW() + 1] - first;
    uint64_t sum = 0;
    BLOCK_LOOP(i, count) sum += a.partial[first + i];
    const uint64_t total = block_sum(sum);
    BLOCK_LEADER {
        for (int k = 0; k < 4; ++k) a.y[4 * ROW() + k] = (float)(total >> 16 * k & 0xffff);
    }
}
