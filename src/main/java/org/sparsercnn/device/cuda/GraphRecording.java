package org.sparsercnn.device.cuda;

import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaException;

/** Recorded work as a CUDA graph, and the memory its work made on the way. */
final class GraphRecording {
    private final CudaDriver driver;
    private final BlockAllocator pool;
    private final long stream;
    private long exec;

    private GraphRecording(CudaDriver driver, BlockAllocator pool, long stream, long exec) {
        this.driver = driver;
        this.pool = pool;
        this.stream = stream;
        this.exec = exec;
    }

    /** Records {@code work}, which is not done yet; begins anew with more memory where that ran short. */
    static GraphRecording of(CudaDriver driver, DeviceMemory memory, long stream, Runnable work) {
        BlockAllocator pool = memory.openPool();
        try {
            while (true) {
                try {
                    return new GraphRecording(driver, pool, stream, instantiate(driver, capture(driver, memory, pool, stream, work)));
                } catch (DeviceMemory.Shortage shortage) {
                    // What the interrupted work still holds lies idle, so every attempt gets as much again as all before had.
                    memory.reserve(Math.max(shortage.bytes, pool.use().reserved()));
                }
            }
        } catch (RuntimeException | Error e) {
            pool.close();
            throw e;
        }
    }

    private static long capture(CudaDriver driver, DeviceMemory memory, BlockAllocator pool, long stream, Runnable work) {
        driver.captureBegin(stream);
        memory.use(pool);
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            memory.use(null);
            abort(driver, stream);
            throw e;
        }
        memory.use(null);
        return driver.captureEnd(stream);
    }

    private static void abort(CudaDriver driver, long stream) {
        try {
            long graph = driver.captureEnd(stream);
            if (graph != 0) {
                driver.graphDestroy(graph);
            }
        } catch (CudaException e) {
            // Ending a capture that went wrong says so; what went wrong is already on its way up.
        }
    }

    private static long instantiate(CudaDriver driver, long graph) {
        try {
            return driver.graphInstantiate(graph);
        } finally {
            driver.graphDestroy(graph);
        }
    }

    void replay() {
        if (exec == 0) {
            throw new IllegalStateException("recording replayed after it was closed");
        }
        driver.graphLaunch(exec, stream);
    }

    /** Memory of its work that somebody still holds is given back when that is freed. */
    void close() {
        if (exec != 0) {
            driver.graphExecDestroy(exec);
            exec = 0;
            pool.close();
        }
    }
}
