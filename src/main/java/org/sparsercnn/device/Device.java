package org.sparsercnn.device;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Where tensors live and kernels run. Work is queued in order and may run behind the caller; {@link #copyOut} and
 * {@link #synchronize} wait for it. A device is used by one thread at a time.
 */
public interface Device extends AutoCloseable {
    /** For people: "cpu (2 threads, x86-64-v4)". */
    String name();

    /** Whether work may run behind the caller. Where it does not, a call returns when its work is done. */
    default boolean runsBehind() {
        return true;
    }

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

    /**
     * Copies device memory to the host behind the caller, after all work queued before. The device memory may be used for
     * something else by work queued later.
     */
    Readback read(Pointer from, long bytes);

    /** Whether the device has a kernel. Portable ones are everywhere; for the others an op has another way. */
    boolean has(Kernel kernel);

    /** Whether kernels, products and convolutions take elements of this type. */
    boolean computesIn(DType type);

    /** Starts a launch; see {@link Launch}. */
    Launch kernel(Kernel kernel);

    void gemm(Gemm gemm);

    /** y = act(conv(x, w) + bias + residual) */
    void convolution(Convolution shape, Pointer x, Pointer w, Epilogue epilogue, Pointer y);

    /** dx from dy and w. */
    void convolutionBackwardData(Convolution shape, Pointer dy, Pointer w, Pointer dx);

    /** dw from x and dy. */
    void convolutionBackwardWeight(Convolution shape, Pointer x, Pointer dy, Pointer dw);

    /**
     * Does {@code work} and returns it for replay; empty, and nothing done, where the device cannot record. The work must have been done once
     * before with the same shapes, must not wait for the device, and nobody but it may free what it made.
     */
    Optional<Recording> record(Runnable work);

    void synchronize();

    /**
     * Power, clocks, temperature; empty where the device has no sensors that can be read. Does not wait for the device's work.
     *
     * @throws org.sparsercnn.util.BadInput where the device was there and no longer is; says so in plain words
     */
    default Optional<DeviceHealth> health() {
        return Optional.empty();
    }

    @Override
    void close();
}
