#include "gemm.h"

#include <algorithm>

namespace {

// cblas_sgemm of the OpenBLAS that Java found; its integers are 32 bits.
typedef void (*CblasSgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float* a, int lda,
                           const float* b, int ldb, float beta, float* c, int ldc);
CblasSgemm cblas = nullptr;

}  // namespace

EXPORT void gemm_use(CblasSgemm function) { cblas = function; }

void sgemm(bool trans_a, bool trans_b, i64 m, i64 n, i64 k, float alpha, const float* a, i64 lda, const float* b, i64 ldb,
           float beta, float* c, i64 ldc) {
    if (m == 0 || n == 0) return;
    if (k == 0) {  // BLAS would refuse the leading dimensions
        for (i64 r = 0; r < m; ++r)
            for (i64 i = 0; i < n; ++i) c[r * ldc + i] = beta == 0 ? 0 : beta * c[r * ldc + i];
        return;
    }
    cblas(101, trans_a ? 112 : 111, trans_b ? 112 : 111, (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void apply(const Epilogue& e, float* c, i64 ldc, i64 row0, i64 rows, i64 col0, i64 cols) {
    if (!e.bias && !e.residual && !e.relu) return;
    for (i64 r = row0; r < row0 + rows; ++r) {
        float* y = c + r * ldc + col0;
        if (e.bias)
            for (i64 i = 0; i < cols; ++i) y[i] += e.bias[col0 + i];
        if (e.residual) {
            const float* x = e.residual + r * e.ld_residual + col0;
            for (i64 i = 0; i < cols; ++i) y[i] += x[i];
        }
        if (e.relu)
            for (i64 i = 0; i < cols; ++i) y[i] = y[i] < 0 ? 0 : y[i];
    }
}

// How a product is shared out among threads; depends on its shape alone.
struct Split {
    i64 row_tiles, col_tiles, slabs;
    float* partial;
};

// A batch of products; a batch index is (i, j) with a stride each, so attention heads need no copies.
struct GemmArgs {
    const float *a, *b;
    float* c;
    i64 m, n, k, lda, ldb, ldc, trans_a, trans_b;
    i64 batch_i, batch_j, a_i, a_j, b_i, b_j, c_i, c_j;
    double alpha, beta;
    Epilogue epilogue;
    Split split;  // set by gemm()
};

// Where part `index` of `parts` begins: at multiples of 16, which keeps OpenBLAS's kernels full.
static i64 cut(i64 size, i64 index, i64 parts) { return index == parts ? size : index * size / parts / 16 * 16; }

static void gemm_tasks(const void* p, i64 first, i64 last, i64) {
    const GemmArgs& g = *static_cast<const GemmArgs*>(p);
    const i64 tiles = g.split.row_tiles * g.split.col_tiles;
    for (i64 task = first; task < last; ++task) {
        const i64 batch = task / tiles, row = task % tiles / g.split.col_tiles, col = task % g.split.col_tiles;
        const i64 i = batch / g.batch_j, j = batch % g.batch_j;
        const float* a = g.a + i * g.a_i + j * g.a_j;
        const float* b = g.b + i * g.b_i + j * g.b_j;
        float* c = g.c + i * g.c_i + j * g.c_j;
        const i64 r0 = cut(g.m, row, g.split.row_tiles), rows = cut(g.m, row + 1, g.split.row_tiles) - r0;
        const i64 c0 = cut(g.n, col, g.split.col_tiles), cols = cut(g.n, col + 1, g.split.col_tiles) - c0;
        sgemm(g.trans_a, g.trans_b, rows, cols, g.k, (float)g.alpha, g.trans_a ? a + r0 : a + r0 * g.lda, g.lda,
              g.trans_b ? b + c0 * g.ldb : b + c0, g.ldb, (float)g.beta, c + r0 * g.ldc + c0, g.ldc);
        apply(g.epilogue, c, g.ldc, r0, rows, c0, cols);
    }
}

// One product whose inner size is cut into slabs: slab 0 goes to C, the others to `partial` (slabs - 1, m, n).
static void slab_tasks(const void* p, i64 first, i64 last, i64) {
    const GemmArgs& g = *static_cast<const GemmArgs*>(p);
    for (i64 slab = first; slab < last; ++slab) {
        const i64 k0 = slab * g.k / g.split.slabs, k1 = (slab + 1) * g.k / g.split.slabs;
        float* c = slab == 0 ? g.c : g.split.partial + (slab - 1) * g.m * g.n;
        sgemm(g.trans_a, g.trans_b, g.m, g.n, k1 - k0, (float)g.alpha, g.trans_a ? g.a + k0 * g.lda : g.a + k0, g.lda,
              g.trans_b ? g.b + k0 : g.b + k0 * g.ldb, g.ldb, slab == 0 ? (float)g.beta : 0, c, slab == 0 ? g.ldc : g.n);
    }
}

static void add_slabs(const void* p, i64 first, i64 last, i64) {
    const GemmArgs& g = *static_cast<const GemmArgs*>(p);
    for (i64 r = first; r < last; ++r) {
        float* c = g.c + r * g.ldc;
        for (i64 slab = 1; slab < g.split.slabs; ++slab) {
            const float* part = g.split.partial + ((slab - 1) * g.m + r) * g.n;
            for (i64 i = 0; i < g.n; ++i) c[i] += part[i];
        }
        apply(g.epilogue, g.c, g.ldc, r, 1, 0, g.n);
    }
}

EXPORT void gemm(Pool* pool, GemmArgs* g) {
    const i64 batch = g->batch_i * g->batch_j;
    if (g->m == 0 || g->n == 0 || batch == 0) return;
    const double mflop = 2e-6 * (double)g->m * (double)g->n * (double)std::max<i64>(g->k, 1);
    Split& s = g->split;
    // A small result with a long inner size: thin tiles would pack the other operand again for each of them.
    s.slabs = batch == 1 && std::max(g->m, g->n) <= 512 ? std::clamp<i64>(g->k / 1024, 1, 8) : 1;
    if (s.slabs > 1) {
        s.partial = thread_scratch(0, (s.slabs - 1) * g->m * g->n);
        pool_run(pool, slab_tasks, g, s.slabs);
        pool_run(pool, add_slabs, g, g->m);
        return;
    }
    // At most 16 tiles of at least 4 MFLOP: the longer side is cut first, preferably not below 256 rows or 128 columns.
    const i64 tiles = batch >= 16 ? 1 : std::clamp<i64>((i64)(mflop / 4), 1, 16);
    s.row_tiles = g->m < g->n ? 1 : std::clamp<i64>(g->m / 256, 1, tiles);
    s.col_tiles = std::clamp<i64>(g->n / 128, 1, tiles / s.row_tiles);
    s.row_tiles = std::clamp<i64>(g->m / 256, 1, tiles / s.col_tiles);
    s.col_tiles = std::clamp<i64>(g->n / 64, s.col_tiles, tiles / s.row_tiles);
    pool_run(pool, gemm_tasks, g, batch * s.row_tiles * s.col_tiles);
}
