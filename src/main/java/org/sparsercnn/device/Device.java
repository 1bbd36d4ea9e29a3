package org.sparsercnn.device;

import java.lang.foreign.MemorySegment;

/**
 * Where tensors live and kernels run. Work is queued in order and may run behind the caller; {@link #copyOut} and
 * {@link #synchronize} wait for it. A device is used by one thread at a time.
 */
public interface Device extends AutoCloseable {
    /** For people: "cpu (2 threads, x86-64-v4)". */
    String name();

    /** Uninitialised memory, aligned to 64 bytes; 0 bytes give a buffer that must not be read. */
    Buffer allocate(long bytes);

    void free(Buffer buffer);

    MemoryUse memory();

    /** Copies host memory to the device. The host memory may be changed once this returns. */
    void copyIn(MemorySegment host, Pointer to);

    /** Copies device memory to the host, after all work queued before. */
    void copyOut(Pointer from, MemorySegment host);

    /** Copies within the device. */
    void copy(Pointer from, Pointer to, long bytes);

    void zero(Pointer target, long bytes);

    /** Starts a launch; see {@link Launch}. */
    Launch kernel(Kernel kernel);

    void gemm(Gemm gemm);

    /** y = act(conv(x, w) + bias + residual) */
    void convolution(Convolution shape, Pointer x, Pointer w, Epilogue epilogue, Pointer y);

    /** dx from dy and w. */
    void convolutionBackwardData(Convolution shape, Pointer dy, Pointer w, Pointer dx);

    /** dw from x and dy. */
    void convolutionBackwardWeight(Convolution shape, Pointer x, Pointer dy, Pointer dw);

    void synchronize();

    @Override
    void close();
}
