package org.sparsercnn.ffi.cuda;

import java.lang.foreign.MemorySegment;

/**
 * The CUDA driver API, as far as this program uses it. Handles and addresses are longs, so that a call allocates nothing on the
 * Java heap; {@code ffi.cuda.PanamaDriver} and {@code ffi.jcuda.JCudaDriver} are the same to their callers, by one contract test.
 *
 * <p>A call that fails throws {@link CudaException} with the driver's error; only {@link #memAlloc} and {@link #hostAlloc} answer
 * "out of memory" with 0, since their callers know a remedy. Calls concern the context that is {@linkplain #setCurrent current} in
 * the calling thread.
 */
public interface CudaDriver {
    /** "panama" or "jcuda". */
    String binding();

    /** As {@code cuDriverGetVersion}: 13000 for CUDA 13.0. */
    int version();

    // Devices

    int deviceCount();

    String deviceName(int ordinal);

    /** As nvidia-smi prints it, "0000:01:00.0"; NVML finds a device by it. */
    String devicePciBusId(int ordinal);

    /** @param attribute a {@code CUdevice_attribute}, see {@link DeviceAttribute} */
    int deviceAttribute(int ordinal, int attribute);

    long deviceTotalMemory(int ordinal);

    // Contexts

    long primaryContextRetain(int ordinal);

    void primaryContextRelease(int ordinal);

    void setCurrent(long context);

    void synchronizeContext();

    /** Bytes free on the device of the current context. */
    long memoryFree();

    // Memory

    /** Device memory, or 0 when there is not so much left. */
    long memAlloc(long bytes);

    void memFree(long address);

    /** Pinned host memory, or 0 when there is not so much left. */
    long hostAlloc(long bytes);

    void hostFree(long address);

    void copyToDevice(long to, long host, long bytes, long stream);

    void copyToHost(long host, long from, long bytes, long stream);

    void copyOnDevice(long to, long from, long bytes, long stream);

    /** Sets bytes. */
    void fill(long address, byte value, long bytes, long stream);

    // Streams and events

    /** A stream that does not wait for the legacy default stream. */
    long streamCreate();

    void streamDestroy(long stream);

    void streamSynchronize(long stream);

    void streamWaitEvent(long stream, long event);

    long eventCreate(boolean timing);

    void eventDestroy(long event);

    void eventRecord(long event, long stream);

    /** Whether all work before the event is done. */
    boolean eventQuery(long event);

    void eventSynchronize(long event);

    /** Milliseconds between two events that were made with timing and have happened. */
    float eventElapsed(long start, long end);

    // Kernels

    /** @param image a fatbin, cubin or PTX in native memory */
    long moduleLoad(MemorySegment image);

    void moduleUnload(long module);

    /** The kernel of that name, or 0 where the module has none. */
    long moduleFunction(long module, String name);

    /** @param attribute a {@code CUfunction_attribute}, see {@link FunctionAttribute} */
    int functionAttribute(long function, int attribute);

    void functionSetAttribute(long function, int attribute, int value);

    /**
     * Queues a kernel: a row of {@code blocks} blocks of {@code threads} threads. Never a critical call, since it may block.
     *
     * @param sharedBytes dynamic shared memory per block
     * @param parameters address of an array with the address of each argument
     */
    void launch(long function, int blocks, int threads, int sharedBytes, long stream, long parameters);

    // Graphs

    /** Work queued on the stream is recorded from now on, in {@code CU_STREAM_CAPTURE_MODE_THREAD_LOCAL}. */
    void captureBegin(long stream);

    /** Ends recording. @return a graph */
    long captureEnd(long stream);

    /** @return a graph that can be launched */
    long graphInstantiate(long graph);

    void graphDestroy(long graph);

    void graphExecDestroy(long exec);

    void graphLaunch(long exec, long stream);
}
