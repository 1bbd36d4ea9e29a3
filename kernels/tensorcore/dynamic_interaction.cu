// Dynamic instance interaction (Sun et al. 2021, figure 4) of one proposal in one block:
//     z1 = x W1,  h = ReLU(LN(z1)),  z2 = h W2,  y = ReLU(LN(z2))
// with x (points, C), W1 (C, D), W2 (D, C): bf16 in memory, fp32 sums and statistics. W1 and W2 are the proposal's own, so
// nothing is shared between blocks and every byte is read once.
//
// With 49 points, C = 256 and D = 64 a block reads 25 + 64 KB, writes 25 KB and multiplies 3.2 MFLOP (4.2 with the rows rounded
// up to 64): 37 FLOP a byte, so memory bounds it. Hence all copies begin at once, in five groups: the four slabs of 64 columns
// of x and rows of W1, multiplied as they arrive, and W2. 96 KB of shared memory are what any card since Ampere gives a block,
// and let two share a multiprocessor of Hopper, one copying while the other computes. With 100 proposals and 132
// multiprocessors a block has one to itself and its bytes take some 1,400 clocks, at 64 a clock from L2, where the layer before
// has just written W1 and W2. Two blocks for a proposal would save half of that at most and pay for an exchange of moments.
//
// 8 warps: a warp has 32 rows and a quarter of the columns, dealt in units of 16, so that a tile read from shared memory is
// used twice: W2 is read twice, h four times, which fits 128 bytes a clock as the products fit the tensor cores. Statistics of
// quarters are merged by count, mean and sum of squares (Chan et al. 1979). h passes through shared memory where W1 was, results
// where x was, from where they leave in rows of 16 bytes a lane. Rows from `points` on are the last one again, and never written.
#include "mma.cuh"

// w holds W1 and W2 one after the other, `stride` elements from proposal to proposal. For backward also z1, h, z2 and the
// statistics (rows of all proposals) are written, unless z1 is null.
ARGS(DynamicInteraction, const bf16* x; const bf16* w; const float* gamma1; const float* beta1; const float* gamma2;
     const float* beta2; bf16* y; bf16* z1; bf16* h; bf16* z2; float* mean1; float* rstd1; float* mean2; float* rstd2;
     i64 points; i64 c; i64 d; i64 stride; double eps;)

namespace interaction {

constexpr int block = 256, warp_rows = 32, quarters = 4, slab = 64, slabs = 4;
constexpr int pad = 8;  // elements between rows: their tiles then lie in different banks

struct Moments {
    float mean, squares;
};

DEVICE void copy_matrix(bf16* to, int to_stride, const bf16* from, int from_stride, int height, int width) {
    const int chunks = width / 8;
    for (int i = (int)threadIdx.x; i < height * chunks; i += block)
        copy_begin(to + i / chunks * to_stride + i % chunks * 8, from + (i64)(i / chunks) * from_stride + i % chunks * 8);
}

// A warp's part of a (64, columns) matrix: 32 rows and at most `most` units of 16 columns; all warps have so many where `all`.
template <int most, bool all>
struct Part {
    Sums sums[2][most][2] = {};  // rows 16 m, columns 16 u + 8 n
    int points, columns, row, column, quarter, count;

    METHOD Part(int points, int columns)
        : points(points), columns(columns), row((warp_id() & 1) * warp_rows), quarter(warp_id() >> 1) {
        column = 16 * quarter * ((columns / 16 + quarters - 1) / quarters);
        count = units_of(quarter);
    }
    METHOD int units_of(int q) const {
        const int units = columns / 16, each = (units + quarters - 1) / quarters, left = units - q * each;
        return all ? most : left < 0 ? 0 : left < each ? left : each;
    }
    METHOD bool has(int unit) const { return all || unit < count; }
    METHOD int width() const { return 16 * units_of(quarter); }

    // body(value, m, half, column): row 16 m + 8 half + lane_row() of the warp's, `column` of the whole matrix.
    template <class Body>
    METHOD void each(Body body) {
        UNROLL for (int m = 0; m < 2; ++m)
            UNROLL for (int u = 0; u < most; ++u) {
                if (!has(u)) continue;
                UNROLL for (int n = 0; n < 2; ++n)
                    UNROLL for (int i = 0; i < 4; ++i) body(sums[m][u][n][i], m, i / 2, column + 16 * u + 8 * n + lane_column() + i % 2);
            }
    }

    // Adds left (points, k) times right (k, columns), k from `first` to `last`.
    METHOD void accumulate(const bf16* left, int left_stride, const bf16* right, int right_stride, int first, int last) {
        const bf16* from[2];
        UNROLL for (int m = 0; m < 2; ++m) {
            const int r = row + 16 * m + lane_id() % 16;
            from[m] = left + (r < points ? r : points - 1) * left_stride + lane_id() / 16 * 8;
        }
        for (int k = first; k < last; k += 16) {
            Factor a[2];
            UNROLL for (int m = 0; m < 2; ++m) load_tiles(a[m], from[m] + k);
            UNROLL for (int u = 0; u < most; ++u) {
                if (!has(u)) continue;
                Factor b;
                load_right(b, right + k * right_stride + column + 16 * u, right_stride);
                UNROLL for (int m = 0; m < 2; ++m) {
                    multiply(sums[m][u][0], a[m], b[0], b[1]);
                    multiply(sums[m][u][1], a[m], b[2], b[3]);
                }
            }
        }
    }

    // Mean and squared deviations of this part of every row, for merging: moments (64, 4).
    METHOD void write_moments(Moments* moments) {
        float mean[2][2] = {}, squares[2][2] = {};
        each([&](float& z, int m, int half, int) { mean[m][half] += z; });
        UNROLL for (int r = 0; r < 4; ++r) mean[r / 2][r % 2] = quad_sum(mean[r / 2][r % 2]) / (float)(width() ? width() : 1);
        each([&](float& z, int m, int half, int) { squares[m][half] += (z - mean[m][half]) * (z - mean[m][half]); });
        UNROLL for (int r = 0; r < 4; ++r) {
            const float sum = quad_sum(squares[r / 2][r % 2]);
            if (lane_column() == 0) moments[(row + 8 * r + lane_row()) * quarters + quarter] = {mean[r / 2][r % 2], sum};
        }
    }

    // The sums normalised, scaled and shifted by column, and rectified; the statistics written where they are wanted.
    METHOD void normalise(const Moments* moments, const float* gamma, const float* beta, float eps, float* means, float* rstds) {
        float mean[2][2], rstd[2][2];
        UNROLL for (int r = 0; r < 4; ++r) {
            const int at = row + 8 * r + lane_row();
            float sum = 0, squares = 0;
            UNROLL for (int q = 0; q < quarters; ++q) sum += (float)(16 * units_of(q)) * moments[at * quarters + q].mean;
            const float m = sum / (float)columns;
            UNROLL for (int q = 0; q < quarters; ++q) {
                const Moments part = moments[at * quarters + q];
                squares += part.squares + (float)(16 * units_of(q)) * (part.mean - m) * (part.mean - m);
            }
            mean[r / 2][r % 2] = m;
            rstd[r / 2][r % 2] = 1.0f / sqrtf(squares / (float)columns + eps);
            if (means && quarter == 0 && lane_column() == 0 && at < points) {
                means[at] = m;
                rstds[at] = rstd[r / 2][r % 2];
            }
        }
        each([&](float& z, int m, int half, int c) { z = relu_f((z - mean[m][half]) * rstd[m][half] * gamma[c] + beta[c]); });
    }

    // To shared memory (points, columns) as bf16; the warp sees its part afterwards.
    METHOD void put(bf16* to, int stride) {
        UNROLL for (int m = 0; m < 2; ++m)
            UNROLL for (int u = 0; u < most; ++u) {
                if (!has(u)) continue;
                UNROLL for (int n = 0; n < 2; ++n)
                    UNROLL for (int half = 0; half < 2; ++half) {
                        const int r = row + 16 * m + 8 * half + lane_row(), c = column + 16 * u + 8 * n + lane_column();
                        if (r < points) *(uint32_t*)(to + r * stride + c) = pack(sums[m][u][n][2 * half], sums[m][u][n][2 * half + 1]);
                    }
            }
        warp_sync();
    }

    // From there to the rows of the result that count, 16 bytes a lane; the warp may write there again afterwards.
    METHOD void send(const bf16* from, int stride, bf16* to) const {
        const int chunks = width() / 8, end = points - row < warp_rows ? points - row : warp_rows;
        for (int i = lane_id(); i < end * chunks; i += 32) {
            const int r = row + i / chunks, c = column + i % chunks * 8;
            store_vector(to + r * columns + c, load_vector(from + r * stride + c));
        }
        warp_sync();
    }
};

// C and D are 0 where they are not known to the compiler.
template <int known_c, int known_d>
DEVICE void interact(const DynamicInteraction& a) {
    constexpr bool known = known_c != 0;
    const int c = known ? known_c : (int)a.c, d = known ? known_d : (int)a.d, points = (int)a.points;
    const int c_stride = c + pad, d_stride = d + pad;
    bf16* x = (bf16*)dynamic_shared();                         // (points, C); later results
    bf16* w1 = x + points * c_stride;                          // (C, D); later h (points, D)
    bf16* w2 = w1 + (c < points ? points : c) * d_stride;      // (D, C)
    Moments* moments = (Moments*)(w2 + d * c_stride);          // (64, 4)
    const i64 first = ROW() * points;                          // of all rows
    const bf16* weights = a.w + ROW() * a.stride;

    UNROLL for (int k = 0; k < slabs * slab; k += slab) {
        const int width = c - k < 0 ? 0 : c - k < slab ? c - k : slab;
        copy_matrix(x + k, c_stride, a.x + first * c + k, c, points, width);
        copy_matrix(w1 + k * d_stride, d_stride, weights + k * d, d, width, d);
        copy_commit();
    }
    copy_matrix(w2, c_stride, weights + c * d, c, d, c);
    copy_commit();

    {
        Part<1, known> z(points, d);
        UNROLL for (int s = 0; s < slabs; ++s) {
            if (s == 0) copy_wait<slabs>();
            if (s == 1) copy_wait<slabs - 1>();
            if (s == 2) copy_wait<slabs - 2>();
            if (s == 3) copy_wait<slabs - 3>();
            BLOCK_SYNC();
            z.accumulate(x, c_stride, w1, d_stride, s * slab, c < (s + 1) * slab ? c : (s + 1) * slab);
        }
        z.write_moments(moments);
        BLOCK_SYNC();  // now x and W1 are not needed any more either
        if (a.z1) {
            z.put(x, c_stride);
            z.send(x, c_stride, a.z1 + first * d);
        }
        z.normalise(moments, a.gamma1, a.beta1, (float)a.eps, a.z1 ? a.mean1 + first : nullptr, a.rstd1 + first);
        z.put(w1, d_stride);
        if (a.z1) z.send(w1, d_stride, a.h + first * d);
    }
    copy_wait<0>();
    BLOCK_SYNC();

    Part<4, known> z(points, c);
    z.accumulate(w1, d_stride, w2, c_stride, 0, d);
    z.write_moments(moments);
    BLOCK_SYNC();
    if (a.z1) {
        z.put(x, c_stride);
        z.send(x, c_stride, a.z2 + first * c);
    }
    z.normalise(moments, a.gamma2, a.beta2, (float)a.eps, a.z1 ? a.mean2 + first : nullptr, a.rstd2 + first);
    z.put(x, c_stride);
    z.send(x, c_stride, a.y + first * c);
}

}  // namespace interaction

// The published sizes are known to the compiler.
KERNEL_OF(dynamic_interaction_fwd_bf16, DynamicInteraction, 256, 2) {
    if (a.c == 256 && a.d == 64)
        interaction::interact<256, 64>(a);
    else
        interaction::interact<0, 0>(a);
}
