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

// A batch of products; a batch index is (i, j) with a stride each, so attention heads need no copies.
struct GemmArgs {
    const float *a, *b;
    float* c;
    i64 m, n, k, lda, ldb, ldc, trans_a, trans_b;
    i64 batch_i, batch_j, a_i, a_j, b_i, b_j, c_i, c_j;
    double alpha, beta;
    Epilogue epilogue;
    i64 split_rows, tile, tiles;  // set by gemm()
};

static void gemm_tasks(const void* p, i64 first, i64 last, i64) {
    const GemmArgs& g = *static_cast<const GemmArgs*>(p);
    for (i64 task = first; task < last; ++task) {
        const i64 batch = task / g.tiles, t0 = task % g.tiles * g.tile;
        const i64 i = batch / g.batch_j, j = batch % g.batch_j;
        const float* a = g.a + i * g.a_i + j * g.a_j;
        const float* b = g.b + i * g.b_i + j * g.b_j;
        float* c = g.c + i * g.c_i + j * g.c_j;
        const i64 r0 = g.split_rows ? t0 : 0, c0 = g.split_rows ? 0 : t0;
        const i64 rows = g.split_rows ? std::min(g.tile, g.m - t0) : g.m, cols = g.split_rows ? g.n : std::min(g.tile, g.n - t0);
        sgemm(g.trans_a, g.trans_b, rows, cols, g.k, (float)g.alpha, g.trans_a ? a + r0 : a + r0 * g.lda, g.lda,
              g.trans_b ? b + c0 * g.ldb : b + c0, g.ldb, (float)g.beta, c + r0 * g.ldc + c0, g.ldc);
        apply(g.epilogue, c, g.ldc, r0, rows, c0, cols);
    }
}

EXPORT void gemm(Pool* pool, GemmArgs* g) {
    // Tiles of at least 8 MFLOP along the longer side, at most 16 of them.
    const i64 side = std::max(g->m, g->n), batch = g->batch_i * g->batch_j;
    if (side == 0 || batch == 0) return;
    const double mflop = 2e-6 * (double)g->m * (double)g->n * (double)std::max<i64>(g->k, 1);
    const i64 tiles = batch >= 16 ? 1 : std::clamp<i64>((i64)(mflop / 8), 1, 16);
    g->split_rows = g->m >= g->n;
    g->tile = std::max<i64>(16, ((side + tiles - 1) / tiles + 15) / 16 * 16);
    g->tiles = (side + g->tile - 1) / g->tile;
    pool_run(pool, gemm_tasks, g, batch * g->tiles);
}
