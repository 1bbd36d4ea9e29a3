// Matrix products on OpenBLAS, which computes on the thread that calls it; the split over our threads depends on shapes alone.
#pragma once
#include "pool.h"

// What happens to a finished tile of C while it is still in the cache: C = act(C + bias + residual).
struct Epilogue {
    const float* bias;      // (n) or null
    const float* residual;  // like C, or null
    i64 ld_residual;
    i64 relu;
};

// Row-major C (m, n) = alpha op(A) op(B) + beta C.
void sgemm(bool trans_a, bool trans_b, i64 m, i64 n, i64 k, float alpha, const float* a, i64 lda, const float* b, i64 ldb,
           float beta, float* c, i64 ldc);

void apply(const Epilogue& e, float* c, i64 ldc, i64 row0, i64 rows, i64 col0, i64 cols);
