package org.sparsercnn.ffi.cuda;

/**
 * Matrix products on the device. A {@link Plan} is made once per {@link Product} and then runs with any addresses; running
 * one allocates nothing on the Java heap. Calls concern the CUDA context that is current, and one thread at a time makes them.
 */
public interface CudaBlas extends AutoCloseable {
    /** Alignment of addresses, in bytes, beyond which no algorithm gains anything. */
    int FULL_ALIGNMENT = 16;

    /** What is done to the product before it is written. */
    enum Epilogue {
        NONE,
        BIAS,
        RELU,
        RELU_BIAS;

        public boolean hasBias() {
            return this == BIAS || this == RELU_BIAS;
        }
    }

    /**
     * Row-major {@code C = act(alpha op(A) op(B) + beta C + bias)}, {@code batch} times.
     *
     * @param m rows of C; {@code n} columns of C; {@code k} the inner size, at least 1: a product of nothing is the caller's
     * @param lda elements between two rows of A as it lies in memory (before transposition); likewise ldb, ldc
     * @param strideA elements between two matrices of the batch, 0 to use one for all; likewise strideB, strideC
     * @param factors type of A and B
     * @param result type of C and the bias: F32, or as {@code factors}
     * @param epilogue BIAS and RELU_BIAS only with beta = 0; one bias per column of C
     * @param alignment a power of two that divides every address the product will run with, see {@link CudaBlas#alignment}
     */
    record Product(boolean transA, boolean transB, long m, long n, long k, long lda, long ldb, long ldc, long batch, long strideA,
                   long strideB, long strideC, float alpha, float beta, NumberType factors, NumberType result, Epilogue epilogue,
                   int alignment) {
        public Product {
            require(m >= 0 && n >= 0 && batch >= 0 && k > 0, "sizes");
            require(lda >= (transA ? m : k) && ldb >= (transB ? k : n) && ldc >= n, "rows that overlap");
            require(strideA >= 0 && strideB >= 0 && strideC >= 0, "strides");
            require(result == factors || result == NumberType.F32, "result");
            require(!epilogue.hasBias() || beta == 0, "bias with beta");
            require(alignment > 0 && alignment <= FULL_ALIGNMENT && Integer.bitCount(alignment) == 1, "alignment");
        }

        /** For addresses of {@link #FULL_ALIGNMENT}. */
        public Product(boolean transA, boolean transB, long m, long n, long k, long lda, long ldb, long ldc, long batch, long strideA,
                       long strideB, long strideC, float alpha, float beta, NumberType factors, NumberType result, Epilogue epilogue) {
            this(transA, transB, m, n, k, lda, ldb, ldc, batch, strideA, strideB, strideC, alpha, beta, factors, result, epilogue,
                    FULL_ALIGNMENT);
        }

        private static void require(boolean holds, String what) {
            if (!holds) throw new IllegalArgumentException(what);
        }

        /** Whether C has no elements, so that running the product does nothing. */
        public boolean isEmpty() {
            return m == 0 || n == 0 || batch == 0;
        }
    }

    /** A product ready to run, with the algorithm chosen. Lives as long as the library's handle. */
    interface Plan {
        /** Bytes of device memory it wants to work in. */
        long workspace();

        /** Whether {@link #run} does the product's epilogue; if not, bias and ReLU are left to the caller. */
        boolean fusesEpilogue();

        /**
         * Queues the product.
         *
         * @param bias 0 without, or where the epilogue is not fused
         * @param workspace a multiple of 256, with as many bytes as it asked for; the stream's own while the product runs
         */
        void run(long a, long b, long c, long bias, long workspace, long stream);
    }

    /** The {@link Product#alignment} of these addresses; 0 counts as aligned. */
    static int alignment(long a, long b, long c, long bias) {
        return (int) Long.lowestOneBit(a | b | c | bias | FULL_ALIGNMENT);
    }

    /**
     * Bytes of workspace that NVIDIA advises: 32 MiB from Hopper on, 4 MiB before.
     *
     * @param capabilityMajor the device's compute capability, 9 for Hopper
     */
    static long advisedWorkspace(int capabilityMajor) {
        return (capabilityMajor >= 9 ? 32L : 4L) << 20;
    }

    /** For people: "cuBLASLt 13.1.1 (Panama)". */
    String description();

    Plan plan(Product product);

    @Override
    void close();
}
