package org.sparsercnn.device.cuda;

import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Map;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.DeviceAttribute;
import org.sparsercnn.ffi.cuda.FunctionAttribute;

/** The kernels of {@code kernels.fatbin} on one GPU: how many blocks of how many threads each is launched with. */
final class KernelModule {
    private static final int THREADS = 256;
    private static final int WARP = 32;
    private static final int MOST_THREADS = 1024;
    private static final long MOST_BLOCKS = Integer.MAX_VALUE;
    /** Of 256 threads: what a multiprocessor holds at a time, twice. */
    private static final int BLOCKS_PER_MULTIPROCESSOR = 16;
    /** What a kernel may take without asking. */
    private static final int SHARED_UNASKED = 48 << 10;

    private static final class Function {
        final long handle;
        final int threads;
        int sharedAllowed = SHARED_UNASKED;

        Function(long handle, int threads) {
            this.handle = handle;
            this.threads = threads;
        }
    }

    private static final Function NONE = new Function(0, 0);

    private final CudaDriver driver;
    private final long module;
    private final boolean deterministic;
    private final long mostBlocksOverElements;
    private final int mostShared;
    private final Map<Kernel, Function> functions = new IdentityHashMap<>();

    KernelModule(CudaDriver driver, MemorySegment image, CudaOptions options) {
        this.driver = driver;
        this.deterministic = options.deterministic();
        this.mostBlocksOverElements =
                (long) BLOCKS_PER_MULTIPROCESSOR * driver.deviceAttribute(options.ordinal(), DeviceAttribute.MULTIPROCESSOR_COUNT);
        this.mostShared = driver.deviceAttribute(options.ordinal(), DeviceAttribute.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
        this.module = driver.moduleLoad(image);
    }

    boolean has(Kernel kernel) {
        return function(kernel) != NONE;
    }

    private Function function(Kernel kernel) {
        Function function = functions.get(kernel);
        if (function == null) {
            function = find(kernel);
            functions.put(kernel, function);
        }
        return function;
    }

    private Function find(Kernel kernel) {
        long handle = deterministic && kernel.addsAtomically() ? 0 : driver.moduleFunction(module, kernel.name());
        if (handle == 0) {
            return NONE;
        }
        int most = driver.functionAttribute(handle, FunctionAttribute.MAX_THREADS_PER_BLOCK);
        return new Function(handle, Math.min(THREADS, most / WARP * WARP));
    }

    private Function need(Kernel kernel) {
        Function function = function(kernel);
        if (function == NONE) {
            throw new IllegalStateException("this device has no kernel " + kernel.name());
        }
        return function;
    }

    void overRows(Kernel kernel, long rows, long stream, long parameters) {
        Function function = need(kernel);
        launch(kernel, function, rows, function.threads, 0, stream, parameters);
    }

    void overElements(Kernel kernel, long n, long stream, long parameters) {
        Function function = need(kernel);
        long blocks = Math.min(Math.ceilDiv(n, function.threads), mostBlocksOverElements);
        launch(kernel, function, blocks, function.threads, 0, stream, parameters);
    }

    void overBlocks(Kernel kernel, long blocks, int threads, int sharedBytes, long stream, long parameters) {
        launch(kernel, need(kernel), blocks, threads, sharedBytes, stream, parameters);
    }

    private void launch(Kernel kernel, Function function, long blocks, int threads, int sharedBytes, long stream, long parameters) {
        if (blocks > MOST_BLOCKS || threads < WARP || threads > MOST_THREADS || threads % WARP != 0 || sharedBytes > mostShared) {
            throw new IllegalArgumentException(kernel.name() + " cannot be launched: " + blocks + " blocks (at most " + MOST_BLOCKS
                    + ") of " + threads + " threads (32, 64, … 1024) with " + sharedBytes + " bytes of shared memory (at most "
                    + mostShared + ")");
        }
        if (sharedBytes > function.sharedAllowed) {
            driver.functionSetAttribute(function.handle, FunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes);
            function.sharedAllowed = sharedBytes;
        }
        driver.launch(function.handle, (int) blocks, threads, sharedBytes, stream, parameters);
    }

    void close() {
        driver.moduleUnload(module);
    }
}
