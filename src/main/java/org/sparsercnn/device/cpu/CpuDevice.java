package org.sparsercnn.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.MemoryUse;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Readback;
import org.sparsercnn.device.Recording;
import org.sparsercnn.ffi.CpuKernels;
import org.sparsercnn.ffi.NativeLibraries;

/**
 * The CPU as a device: kernels built by g++, blocks spread over a pool of pinned threads, matrix products by OpenBLAS. Calls
 * return when the work is done. Results do not depend on the number of threads.
 */
public final class CpuDevice implements Device, Launch.Runner {
    /** Elements a block gets in element-wise kernels: long enough to hide the hand-out, short enough to balance. */
    private static final long ELEMENTS_PER_BLOCK = 4096;

    private final int threads;
    private final long pool;
    private final CachingAllocator allocator = new CachingAllocator();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment block = CpuKernels.block(arena, Launch.MAX_BYTES);
    private final Launch launch = new Launch(block, this);

    /**
     * @param threads how many threads compute, the caller's among them
     * @param pin index of the first of the process's CPUs to sit on, or -1 to leave placement to the system
     */
    public CpuDevice(int threads, int pin) {
        this.threads = threads;
        this.pool = CpuKernels.createPool(threads, pin);
    }

    @Override
    public String name() {
        return "cpu (" + threads + (threads == 1 ? " thread, " : " threads, ") + NativeLibraries.isa() + ")";
    }

    @Override
    public Buffer allocate(long bytes) {
        return allocator.allocate(bytes);
    }

    @Override
    public void free(Buffer buffer) {
        allocator.free(buffer);
    }

    @Override
    public MemoryUse memory() {
        return allocator.use();
    }

    @Override
    public void copyIn(MemorySegment host, Pointer to) {
        memory(to, host.byteSize()).copyFrom(host);
    }

    @Override
    public void copyOut(Pointer from, MemorySegment host) {
        host.copyFrom(memory(from, host.byteSize()));
    }

    @Override
    public void copy(Pointer from, Pointer to, long bytes) {
        memory(to, bytes).copyFrom(memory(from, bytes));
    }

    @Override
    public void zero(Pointer target, long bytes) {
        memory(target, bytes).fill((byte) 0);
    }

    private static MemorySegment memory(Pointer p, long bytes) {
        return MemorySegment.ofAddress(p.address()).reinterpret(bytes);
    }

    /** Has arrived when it is made, since nothing here runs behind the caller. */
    @Override
    public Readback read(Pointer from, long bytes) {
        MemorySegment copy = MemorySegment.ofArray(new long[Math.toIntExact(Math.ceilDiv(bytes, 8))]).asSlice(0, bytes);
        copyOut(from, copy);
        return new Readback() {
            @Override
            public boolean isDone() {
                return true;
            }

            @Override
            public MemorySegment await() {
                return copy;
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public boolean has(Kernel kernel) {
        return CpuKernels.has(kernel.name());
    }

    /** Kernels could, but OpenBLAS multiplies fp32 only. */
    @Override
    public boolean computesIn(DType type) {
        return type == DType.F32;
    }

    @Override
    public Launch kernel(Kernel kernel) {
        return launch.of(kernel);
    }

    @Override
    public void overRows(Kernel kernel, MemorySegment args, long rows) {
        CpuKernels.launch(pool, CpuKernels.kernel(kernel.name()), args.address(), rows);
    }

    /** A block has one thread here, whatever the kernel was written for. */
    @Override
    public void overBlocks(Kernel kernel, MemorySegment args, long blocks, int threads, int sharedBytes) {
        overRows(kernel, args, blocks);
    }

    @Override
    public void overElements(Kernel kernel, MemorySegment args, long n) {
        overRows(kernel, args, Math.ceilDiv(n, ELEMENTS_PER_BLOCK));
    }

    // The structs of native/gemm.cpp and native/conv.cpp: fields of 8 bytes, in order.

    @Override
    public void gemm(Gemm g) {
        var b = g.batch();
        long at = put(0, address(g.a()), address(g.b()), address(g.c()), g.m(), g.n(), g.k(), g.lda(), g.ldb(), g.ldc(),
                g.transA() ? 1 : 0, g.transB() ? 1 : 0, b.countI(), b.countJ(), b.aI(), b.aJ(), b.bI(), b.bJ(), b.cI(), b.cJ(),
                Double.doubleToRawLongBits(g.alpha()), Double.doubleToRawLongBits(g.beta()));
        putEpilogue(at, g.epilogue(), g.ldc());
        CpuKernels.gemm(pool, block.address());
    }

    @Override
    public void convolution(Convolution s, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        putConvolution(s, address(x), address(w), address(y), 0, epilogue);
        CpuKernels.convForward(pool, block.address());
    }

    @Override
    public void convolutionBackwardData(Convolution s, Pointer dy, Pointer w, Pointer dx) {
        Buffer workspace = allocate(4 * s.co() * s.kh() * s.kw() * s.ci());
        putConvolution(s, address(dx), address(w), address(dy), workspace.address(), Epilogue.NONE);
        CpuKernels.convBackwardData(pool, block.address());
        free(workspace);
    }

    @Override
    public void convolutionBackwardWeight(Convolution s, Pointer x, Pointer dy, Pointer dw) {
        long slabsAt = putConvolution(s, address(x), address(dw), address(dy), 0, Epilogue.NONE);
        long slabs = CpuKernels.convWeightSlabs(block.address());
        Buffer workspace = slabs > 1 ? allocate(4 * slabs * s.co() * s.kh() * s.kw() * s.ci()) : null;
        block.set(ValueLayout.JAVA_LONG, 24, address(workspace));
        block.set(ValueLayout.JAVA_LONG, slabsAt, slabs);
        CpuKernels.convBackwardWeight(pool, block.address());
        if (workspace != null) {
            free(workspace);
        }
    }

    private long putConvolution(Convolution s, long x, long w, long y, long workspace, Epilogue epilogue) {
        long at = put(0, x, w, y, workspace, s.n(), s.h(), s.w(), s.ci(), s.co(), s.kh(), s.kw(), s.stride(), s.pad(), s.oh(), s.ow());
        return putEpilogue(at, epilogue, s.co());
    }

    private long putEpilogue(long at, Epilogue e, long ldResidual) {
        return put(at, address(e.bias()), address(e.residual()), ldResidual, e.relu() ? 1 : 0);
    }

    private long put(long at, long... values) {
        for (long v : values) {
            block.set(ValueLayout.JAVA_LONG, at, v);
            at += 8;
        }
        return at;
    }

    private static long address(Pointer p) {
        return p == null ? 0 : p.address();
    }

    @Override
    public Optional<Recording> record(Runnable work) {
        return Optional.empty();
    }

    @Override
    public void synchronize() {}

    @Override
    public void close() {
        allocator.close();
        CpuKernels.destroyPool(pool);
        arena.close();
    }
}
