package org.sparsercnn.ffi.cuda;

/**
 * Matrix products on the device. A {@link Plan} is made once per {@link Product} and then runs with any addresses; running
 * one allocates nothing on the Java heap.
 */
public interface CudaBlas extends AutoCloseable {
    /** What is done to the product before it is written. */
    enum Epilogue {
        NONE,
        BIAS,
        RELU,
        RELU_BIAS
    }

    /**
     * Row-major {@code C = act(alpha op(A) op(B) + beta C + bias)}, {@code batch} times.
     *
     * @param m rows of C; {@code n} columns of C; {@code k} the inner size
     * @param lda elements between two rows of A as it lies in memory (before transposition); likewise ldb, ldc
     * @param strideA elements between two matrices of the batch; likewise strideB, strideC
     * @param factors type of A and B
     * @param result type of C and the bias: F32, or as {@code factors}
     * @param epilogue BIAS and RELU_BIAS only with beta = 0; one bias per column of C
     */
    record Product(boolean transA, boolean transB, long m, long n, long k, long lda, long ldb, long ldc, long batch, long strideA,
                   long strideB, long strideC, float alpha, float beta, NumberType factors, NumberType result, Epilogue epilogue) {}

    /** A product ready to run, with the algorithm chosen. Lives as long as the library's handle. */
    interface Plan {
        /** Bytes of device memory it wants to work in. */
        long workspace();

        /** @param bias 0 without; {@code workspace} address of as many bytes as it asked for */
        void run(long a, long b, long c, long bias, long workspace, long stream);
    }

    /** For people: "cuBLASLt 13.1.1 (Panama)". */
    String description();

    Plan plan(Product product);

    @Override
    void close();
}
