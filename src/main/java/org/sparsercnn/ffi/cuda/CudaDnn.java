package org.sparsercnn.ffi.cuda;

/**
 * Convolutions on the device, NHWC activations and (Co, KH, KW, Ci) weights. A {@link Plan} is made once per {@link Problem} and
 * then runs with any addresses; running one allocates nothing on the Java heap.
 */
public interface CudaDnn extends AutoCloseable {
    /** Bytes; every tensor begins at a multiple of it. */
    long ALIGNMENT = 16;

    /** Which of the three products. */
    enum Kind {
        /** y from x and w, then {@code act(y + bias + residual)}. */
        FORWARD,
        /** dx from dy and w. */
        BACKWARD_DATA,
        /** dw from x and dy. */
        BACKWARD_WEIGHT
    }

    /**
     * @param type of all tensors, bias and residual included
     * @param bias per output channel; only FORWARD has a bias, a residual or ReLU
     * @param residual shaped like the output
     */
    record Problem(Kind kind, long n, long h, long w, long ci, long co, long kh, long kw, long stride, long pad, NumberType type,
                   boolean bias, boolean residual, boolean relu) {
        public long oh() {
            return (h + 2 * pad - kh) / stride + 1;
        }

        public long ow() {
            return (w + 2 * pad - kw) / stride + 1;
        }
    }

    /** How much of {@code act(y + bias + residual)} a plan does. */
    enum Fused {
        /** Nothing but the convolution. */
        NONE,
        /** The bias; residual and ReLU are left. */
        BIAS,
        /** All that the problem asks for. */
        ALL
    }

    /**
     * A convolution ready to run, with the engine chosen. Lives as long as the library's handle, and like it serves one thread at a
     * time.
     */
    interface Plan {
        /** What is left of the epilogue is the caller's, on the output, in the order bias, residual, ReLU. */
        Fused fused();

        /** Bytes of device memory it wants to work in. */
        long workspace();

        /**
         * @param in x, or dy for BACKWARD_DATA
         * @param other w, or dy for BACKWARD_WEIGHT
         * @param out y, dx or dw
         * @param bias 0 without; likewise {@code residual}. All addresses are multiples of {@value #ALIGNMENT}
         * @param workspace as many bytes as it asked for; any address where that is 0
         */
        void run(long in, long other, long out, long bias, long residual, long workspace, long stream);
    }

    /** For people: "cuDNN 9.24.0". */
    String description();

    /**
     * @param workspaceLimit most bytes a plan may want
     * @param deterministic only engines whose results are equal from run to run
     */
    Plan plan(Problem problem, long workspaceLimit, boolean deterministic);

    @Override
    void close();
}
