// Attention over proposals (Vaswani et al. 2017, section 3.2), one head of one image at a time, without its weights ever lying
// in memory (Dao et al. 2022):
//     s = scale q k^T,  p = softmax(s),  y = dropout(p) v
// q, k and v are read where the projection (batch, n, 3 E) has them: head h's at h * depth of q, k and v. bf16 in memory and as
// factors, fp32 sums, softmax and statistics. Element (image, head, query, key) of the weights is dropped or kept by its number,
// as op.Dropout would.
//
// A block has 4 warps with 16 rows each and goes through the other side in tiles of 64 that arrive while the one before is
// multiplied: queries over keys forward and for dq, keys over queries for dk and dv. Backward computes the weights anew from the
// logarithms of the softmax's sums; a block writes rows that nobody else writes, so nothing is added atomically.
//
// With n = 300, depth = 32 and 8 heads that is 40 blocks an image, each with 2.3 MFLOP and 42 KB from L2 forward: microseconds,
// of which a launch is the greater part. So what counts is that one launch stands for three (products and softmax; four with
// dropout) and two for eight backward, and that the weights, 1.4 MB an image and stage, are neither written nor kept. 25 to 31 KB of
// shared memory at depth 32 and at most 254 registers let two blocks share a multiprocessor.
//
// A tile of sums of one product, rounded to bf16, is already laid out as the left factor of the next.
#include "mma.cuh"
#include "random.cuh"

// dropout: element i is kept where its random bits are below `threshold`, and multiplied by `kept`.
ARGS(AttentionFwd, const bf16* qkv; bf16* y; float* lse; i64 n; i64 heads; i64 depth; double scale; i64 seed; i64 counter;
     i64 threshold; double kept;)

// lse and delta, the sum of y dy over a head's channels, are (batch, heads, n); delta is written by the kernel for dq and read
// by the one for dk and dv.
ARGS(AttentionBwd, const bf16* qkv; const bf16* y; const bf16* dy; const float* lse; float* delta; bf16* dqkv; i64 n; i64 heads;
     i64 depth; double scale; i64 seed; i64 counter; i64 threshold; double kept;)

namespace attention {

constexpr int block = 128, rows = 64;
constexpr int pad = 8;  // elements between rows: their tiles then lie in different banks

// Which 64 rows of which head of which image a block has.
struct Place {
    i64 head;  // counted over all images
    int first, n, heads, depth;
    i64 wide, narrow;  // elements from row to row of qkv and of y
    i64 qkv, y;        // of the head's first row

    template <class Args>
    METHOD explicit Place(const Args& a) : n((int)a.n), heads((int)a.heads), depth((int)a.depth) {
        const int tiles = (n + rows - 1) / rows;
        head = ROW() / tiles;
        first = (int)(ROW() % tiles) * rows;
        narrow = (i64)heads * depth;
        wide = 3 * narrow;
        qkv = head / heads * n * wide + head % heads * depth;
        y = head / heads * n * narrow + head % heads * depth;
    }
};

// Begins to copy 64 rows; zeros where there are none, since 0 times what lay there before need not be 0.
template <int depth>
DEVICE void copy_rows(bf16* to, const bf16* from, i64 stride, int first, int n) {
    constexpr int chunks = depth / 8;
    for (int i = (int)threadIdx.x; i < rows * chunks; i += block) {
        const int r = i / chunks, c = i % chunks * 8;
        bf16* at = to + r * (depth + pad) + c;
        if (first + r < n)
            copy_begin(at, from + (first + r) * stride + c);
        else
            store_vector(at, Vector<bf16>{});
    }
}

// The warp's 16 rows of a tile as left factors.
template <int depth>
DEVICE void load_rows(Factor (&f)[depth / 16], const bf16* tile) {
    UNROLL for (int k = 0; k < depth / 16; ++k) load_factor(f[k], tile + warp_id() * 16 * (depth + pad) + 16 * k, depth + pad);
}

// sums (16, 16) = left (16, depth) times the transpose of 16 rows of a tile.
template <int depth>
DEVICE void multiply_transposed(Sums& left_half, Sums& right_half, const Factor (&left)[depth / 16], const bf16* right) {
    UNROLL for (int i = 0; i < 4; ++i) left_half[i] = right_half[i] = 0;
    UNROLL for (int k = 0; k < depth / 16; ++k) {
        Factor f;
        load_factor(f, right + 16 * k, depth + pad);
        multiply(left_half, left[k], f[0], f[2]);
        multiply(right_half, left[k], f[1], f[3]);
    }
}

// sums (16, depth) += left (16, 16), rounded to bf16, times 16 rows of a tile.
template <int depth>
DEVICE void multiply_add(Sums (&sums)[depth / 8], const Sums& left_half, const Sums& right_half, const bf16* right) {
    const Factor a = {pack(left_half[0], left_half[1]), pack(left_half[2], left_half[3]), pack(right_half[0], right_half[1]),
                      pack(right_half[2], right_half[3])};
    UNROLL for (int u = 0; u < depth / 16; ++u) {
        Factor f;
        load_right(f, right + 16 * u, depth + pad);
        multiply(sums[2 * u], a, f[0], f[1]);
        multiply(sums[2 * u + 1], a, f[2], f[3]);
    }
}

// The warp's rows, times `factor` by row half, to memory.
template <int depth>
DEVICE void write_rows(bf16* to, i64 stride, const Sums (&sums)[depth / 8], int first, int n, const float (&factor)[2]) {
    UNROLL for (int half = 0; half < 2; ++half) {
        const int row = first + warp_id() * 16 + 8 * half + lane_row();
        if (row >= n) continue;
        UNROLL for (int u = 0; u < depth / 8; ++u)
            *(uint32_t*)(to + row * stride + 8 * u + lane_column()) =
                pack(sums[u][2 * half] * factor[half], sums[u][2 * half + 1] * factor[half]);
    }
}

// Whether there is dropout at all: asked once for many elements, so that what it takes lies out of the way of who does without.
template <class Args>
DEVICE bool drops(const Args& a) {
    return a.threshold < (i64)1 << 32;
}

// What dropout multiplies a weight with.
template <class Args>
DEVICE float mask(const Args& a, i64 head, i64 query, i64 key) {
    return random_bits(a.seed, a.counter + (head * a.n + query) * a.n + key) < a.threshold ? (float)a.kept : 0.0f;
}

template <int depth>
DEVICE void forward(const AttentionFwd& a) {
    constexpr int tile = rows * (depth + pad), strip = 16 * (depth + pad);
    const Place p(a);
    bf16 *q = (bf16*)dynamic_shared(), *k = q + tile, *v = k + 2 * tile;  // k and v (2, 64, depth)
    const bf16 *from_k = a.qkv + p.qkv + p.narrow, *from_v = from_k + p.narrow;
    copy_rows<depth>(q, a.qkv + p.qkv, p.wide, p.first, p.n);
    copy_rows<depth>(k, from_k, p.wide, 0, p.n);
    copy_rows<depth>(v, from_v, p.wide, 0, p.n);
    copy_commit();

    Factor queries[depth / 16];
    Sums y[depth / 8] = {};
    float most[2] = {-INFINITY_F, -INFINITY_F}, sum[2] = {};
    const float scale = (float)a.scale;
    for (int first = 0, turn = 0; first < p.n; first += rows, turn ^= 1) {
        if (first + rows < p.n) {
            copy_rows<depth>(k + (turn ^ 1) * tile, from_k, p.wide, first + rows, p.n);
            copy_rows<depth>(v + (turn ^ 1) * tile, from_v, p.wide, first + rows, p.n);
        }
        copy_commit();
        copy_wait<1>();
        BLOCK_SYNC();
        if (first == 0) load_rows<depth>(queries, q);
        Sums s[8];
        UNROLL for (int j = 0; j < 4; ++j) multiply_transposed<depth>(s[2 * j], s[2 * j + 1], queries, k + turn * tile + j * strip);
        // The sums so far are those of e^(s - most); a greater `most` makes them smaller.
        UNROLL for (int half = 0; half < 2; ++half) {
            float high = most[half];
            UNROLL for (int j = 0; j < 8; ++j)
                UNROLL for (int i = 0; i < 2; ++i) {
                    float& value = s[j][2 * half + i];
                    value = first + 8 * j + lane_column() + i < p.n ? value * scale : -INFINITY_F;
                    high = max_nan(high, value);
                }
            high = quad_max(high);
            const float shrink = exp_f(most[half] - high);
            most[half] = high;
            sum[half] *= shrink;
            UNROLL for (int u = 0; u < depth / 8; ++u) {
                y[u][2 * half] *= shrink;
                y[u][2 * half + 1] *= shrink;
            }
            UNROLL for (int j = 0; j < 8; ++j)
                UNROLL for (int i = 0; i < 2; ++i) {
                    float& value = s[j][2 * half + i];
                    value = exp_f(value - high);
                    sum[half] += value;
                }
        }
        if (drops(a))
            UNROLL for (int j = 0; j < 8; ++j)
                UNROLL for (int i = 0; i < 4; ++i) {
                    const int query = p.first + warp_id() * 16 + 8 * (i / 2) + lane_row();
                    s[j][i] *= mask(a, p.head, query, first + 8 * j + lane_column() + i % 2);
                }
        UNROLL for (int j = 0; j < 4; ++j) multiply_add<depth>(y, s[2 * j], s[2 * j + 1], v + turn * tile + j * strip);
        BLOCK_SYNC();
    }
    float share[2];
    UNROLL for (int half = 0; half < 2; ++half) {
        const float total = quad_sum(sum[half]);
        share[half] = 1.0f / total;
        const int query = p.first + warp_id() * 16 + 8 * half + lane_row();
        if (a.lse && query < p.n && lane_column() == 0) a.lse[p.head * p.n + query] = most[half] + log_f(total);
    }
    write_rows<depth>(a.y + p.y, p.narrow, y, p.first, p.n, share);
}

// dp = mask (dy v^T),  ds = p (dp - delta),  dq = scale ds k
template <int depth>
DEVICE void backward_queries(const AttentionBwd& a) {
    constexpr int tile = rows * (depth + pad), strip = 16 * (depth + pad);
    const Place p(a);
    bf16 *q = (bf16*)dynamic_shared(), *dy = q + tile, *k = dy + tile, *v = k + 2 * tile;
    const bf16 *from_k = a.qkv + p.qkv + p.narrow, *from_v = from_k + p.narrow;
    copy_rows<depth>(q, a.qkv + p.qkv, p.wide, p.first, p.n);
    copy_rows<depth>(dy, a.dy + p.y, p.narrow, p.first, p.n);
    copy_rows<depth>(k, from_k, p.wide, 0, p.n);
    copy_rows<depth>(v, from_v, p.wide, 0, p.n);
    copy_commit();

    // The products y dy, a row spread over the four lanes that hold it.
    float lse[2], delta[2];
    UNROLL for (int half = 0; half < 2; ++half) {
        const int query = p.first + warp_id() * 16 + 8 * half + lane_row();
        float product = 0;
        if (query < p.n) {
            const i64 at = p.y + query * p.narrow + lane_column() / 2 * (depth / 4);
            UNROLL for (int i = 0; i < depth / 4; ++i) product += (float)a.y[at + i] * (float)a.dy[at + i];
        }
        delta[half] = quad_sum(product);
        lse[half] = query < p.n ? a.lse[p.head * p.n + query] : 0.0f;
        if (query < p.n && lane_column() == 0) a.delta[p.head * p.n + query] = delta[half];
    }

    Factor queries[depth / 16], gradients[depth / 16];
    Sums dq[depth / 8] = {};
    const float scale = (float)a.scale;
    for (int first = 0, turn = 0; first < p.n; first += rows, turn ^= 1) {
        if (first + rows < p.n) {
            copy_rows<depth>(k + (turn ^ 1) * tile, from_k, p.wide, first + rows, p.n);
            copy_rows<depth>(v + (turn ^ 1) * tile, from_v, p.wide, first + rows, p.n);
        }
        copy_commit();
        copy_wait<1>();
        BLOCK_SYNC();
        if (first == 0) {
            load_rows<depth>(queries, q);
            load_rows<depth>(gradients, dy);
        }
        ROLLED for (int j = 0; j < 4; ++j) {
            Sums s[2], dp[2];
            multiply_transposed<depth>(s[0], s[1], queries, k + turn * tile + j * strip);
            multiply_transposed<depth>(dp[0], dp[1], gradients, v + turn * tile + j * strip);
            const int query = p.first + warp_id() * 16 + lane_row(), key = first + 16 * j + lane_column();
            if (drops(a))
                UNROLL for (int h = 0; h < 2; ++h)
                    UNROLL for (int i = 0; i < 4; ++i) dp[h][i] *= mask(a, p.head, query + 8 * (i / 2), key + 8 * h + i % 2);
            UNROLL for (int h = 0; h < 2; ++h)
                UNROLL for (int i = 0; i < 4; ++i) {
                    const float weight = exp_f(s[h][i] * scale - lse[i / 2]);
                    s[h][i] = key + 8 * h + i % 2 < p.n ? weight * (dp[h][i] - delta[i / 2]) : 0.0f;
                }
            multiply_add<depth>(dq, s[0], s[1], k + turn * tile + j * strip);
        }
        BLOCK_SYNC();
    }
    write_rows<depth>(a.dqkv + p.qkv, p.wide, dq, p.first, p.n, {scale, scale});
}

// The same seen from the keys: dk = scale ds^T q,  dv = (mask p)^T dy
template <int depth>
DEVICE void backward_keys(const AttentionBwd& a) {
    constexpr int tile = rows * (depth + pad), strip = 16 * (depth + pad);
    const Place p(a);
    bf16 *k = (bf16*)dynamic_shared(), *v = k + tile, *q = v + tile, *dy = q + 2 * tile;
    float *lse = (float*)(dy + 2 * tile), *delta = lse + 2 * rows;  // (2, 64)
    const bf16 *from_q = a.qkv + p.qkv, *from_dy = a.dy + p.y;
    const auto begin = [&](int first, int turn) {
        copy_rows<depth>(q + turn * tile, from_q, p.wide, first, p.n);
        copy_rows<depth>(dy + turn * tile, from_dy, p.narrow, first, p.n);
        BLOCK_LOOP(i, rows) {
            const bool there = first + i < p.n;
            lse[turn * rows + i] = there ? a.lse[p.head * p.n + first + i] : 0.0f;
            delta[turn * rows + i] = there ? a.delta[p.head * p.n + first + i] : 0.0f;
        }
    };
    copy_rows<depth>(k, a.qkv + p.qkv + p.narrow, p.wide, p.first, p.n);
    copy_rows<depth>(v, a.qkv + p.qkv + 2 * p.narrow, p.wide, p.first, p.n);
    begin(0, 0);
    copy_commit();

    Factor keys[depth / 16], values[depth / 16];
    Sums dk[depth / 8] = {}, dv[depth / 8] = {};
    const float scale = (float)a.scale;
    for (int first = 0, turn = 0; first < p.n; first += rows, turn ^= 1) {
        if (first + rows < p.n) begin(first + rows, turn ^ 1);
        copy_commit();
        copy_wait<1>();
        BLOCK_SYNC();
        if (first == 0) {
            load_rows<depth>(keys, k);
            load_rows<depth>(values, v);
        }
        ROLLED for (int j = 0; j < 4; ++j) {
            Sums s[2], dp[2];
            multiply_transposed<depth>(s[0], s[1], keys, q + turn * tile + j * strip);
            multiply_transposed<depth>(dp[0], dp[1], values, dy + turn * tile + j * strip);
            const int key = p.first + warp_id() * 16 + lane_row(), query = 16 * j + lane_column();
            Sums kept[2] = {{1, 1, 1, 1}, {1, 1, 1, 1}};
            if (drops(a))
                UNROLL for (int h = 0; h < 2; ++h)
                    UNROLL for (int i = 0; i < 4; ++i) kept[h][i] = mask(a, p.head, first + query + 8 * h + i % 2, key + 8 * (i / 2));
            UNROLL for (int h = 0; h < 2; ++h)
                UNROLL for (int i = 0; i < 4; ++i) {
                    const int at = query + 8 * h + i % 2;
                    const float weight = first + at < p.n ? exp_f(s[h][i] * scale - lse[turn * rows + at]) : 0.0f;
                    s[h][i] = weight * kept[h][i];
                    dp[h][i] = weight * (dp[h][i] * kept[h][i] - delta[turn * rows + at]);
                }
            multiply_add<depth>(dv, s[0], s[1], dy + turn * tile + j * strip);
            multiply_add<depth>(dk, dp[0], dp[1], q + turn * tile + j * strip);
        }
        BLOCK_SYNC();
    }
    write_rows<depth>(a.dqkv + p.qkv + p.narrow, p.wide, dk, p.first, p.n, {scale, scale});
    write_rows<depth>(a.dqkv + p.qkv + 2 * p.narrow, p.wide, dv, p.first, p.n, {1, 1});
}

}  // namespace attention

// One block for every 64 queries, or keys, of a head of an image.
#define FOR_DEPTH(function, a)                      \
    switch (a.depth) {                              \
        case 16: return attention::function<16>(a); \
        case 32: return attention::function<32>(a); \
        case 48: return attention::function<48>(a); \
        case 64: return attention::function<64>(a); \
    }

KERNEL_OF(attention_fwd_bf16, AttentionFwd, 128, 2) { FOR_DEPTH(forward, a) }

KERNEL_OF(attention_bwd_queries_bf16, AttentionBwd, 128, 2) { FOR_DEPTH(backward_queries, a) }

KERNEL_OF(attention_bwd_keys_bf16, AttentionBwd, 128, 2) { FOR_DEPTH(backward_keys, a) }
