package org.sparsercnn.device;

/**
 * A batch of row-major matrix products {@code C = alpha op(A) op(B) + beta C}. A batch index is a pair (i, j) with a stride
 * each, so the heads of an attention layer need no copies. Sums are fp32.
 *
 * @param m rows of C; {@code n} columns of C; {@code k} the inner size
 * @param lda elements between two rows of A as it lies in memory (before transposition); likewise ldb, ldc
 * @param factors type of A and B: F32 or BF16
 * @param result type of C, bias and residual: F32, or as {@code factors}
 */
public record Gemm(boolean transA, boolean transB, long m, long n, long k, Pointer a, long lda, Pointer b, long ldb, Pointer c,
                   long ldc, float alpha, float beta, Batch batch, Epilogue epilogue, DType factors, DType result) {
    /** Strides in elements. */
    public record Batch(long countI, long countJ, long aI, long aJ, long bI, long bJ, long cI, long cJ) {
        public static final Batch ONE = new Batch(1, 1, 0, 0, 0, 0, 0, 0);

        /** {@code count} matrices that lie one after another. */
        public static Batch of(long count, long a, long b, long c) {
            return new Batch(count, 1, a, 0, b, 0, c, 0);
        }
    }

    /** op(A) (m, k) times op(B) (k, n) into C (m, n), all dense. */
    public static Gemm dense(boolean transA, boolean transB, long m, long n, long k, Pointer a, Pointer b, Pointer c) {
        return new Gemm(transA, transB, m, n, k, a, transA ? m : k, b, transB ? k : n, c, n, 1, 0, Batch.ONE, Epilogue.NONE, DType.F32,
                DType.F32);
    }

    public Gemm with(Epilogue epilogue) {
        return new Gemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, alpha, beta, batch, epilogue, factors, result);
    }

    public Gemm with(Batch batch) {
        return new Gemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, alpha, beta, batch, epilogue, factors, result);
    }

    public Gemm scaled(float alpha) {
        return new Gemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, alpha, beta, batch, epilogue, factors, result);
    }

    /** With elements of these types. */
    public Gemm with(DType factors, DType result) {
        return factors == this.factors && result == this.result ? this : new Gemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, alpha, beta, batch, epilogue, factors, result);
    }

    /** Adds the product to what C holds. */
    public Gemm accumulating() {
        return new Gemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, alpha, 1, batch, epilogue, factors, result);
    }

    /** With rows of A, B and C this far apart in memory. */
    public Gemm leading(long lda, long ldb, long ldc) {
        return new Gemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, alpha, beta, batch, epilogue, factors, result);
    }
}
