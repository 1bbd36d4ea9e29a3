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

    /** Offsets in a convolution's arguments of what only its backward passes have. */
    private static final long CONV_WORKSPACE = 8 * 3;
    private static final long CONV_SLABS = 8 * 19;

    private final int threads;
    private final long pool;
    private final CachingAllocator allocator = new CachingAllocator();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment block = CpuKernels.block(arena, Launch.MAX_BYTES);
    private final Launch launch = new Launch(block, this);

    /**
     * @param threads how many threads compute, the caller's among them
     * @param pin index of the first of the process's CPUs to sit on, or -1 to leave placement to the system
     * @throws org.sparsercnn.util.BadInput where this machine cannot load the kernels
     */
    public CpuDevice(int threads, int pin) {
        NativeLibraries.open("sparsercnn"); // before CpuKernels is initialised, in which the reason would be an error of linking
        super();
        this.threads = threads;
        this.pool = CpuKernels.createPool(threads, pin);
    }

    @Override
    public String name() {
        return "cpu (" + threads + (threads == 1 ? " thread, " : " threads, ") + NativeLibraries.isa() + ")";
    }

    @Override
    public boolean runsBehind() {
        return false;
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

    // The structs of native/gemm.cpp and native/conv.cpp: fields of 8 bytes, in order, filled like a kernel's.

    @Override
    public void gemm(Gemm g) {
        requireF32(g.factors());
        requireF32(g.result());
        var b = g.batch();
        Launch args = launch.of(null).ptr(g.a()).ptr(g.b()).ptr(g.c()).i64(g.m()).i64(g.n()).i64(g.k()).i64(g.lda()).i64(g.ldb()).i64(g.ldc())
                .flag(g.transA()).flag(g.transB()).i64(b.countI()).i64(b.countJ()).i64(b.aI()).i64(b.aJ()).i64(b.bI()).i64(b.bJ()).i64(b.cI())
                .i64(b.cJ()).f64(g.alpha()).f64(g.beta());
        fill(args, g.epilogue(), g.ldc());
        CpuKernels.gemm(pool, block.address());
    }

    @Override
    public void convolution(Convolution s, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        fill(s, x, w, y, epilogue);
        CpuKernels.convForward(pool, block.address());
    }

    @Override
    public void convolutionBackwardData(Convolution s, Pointer dy, Pointer w, Pointer dx) {
        Buffer workspace = allocate(4 * s.co() * s.kh() * s.kw() * s.ci());
        fill(s, dx, w, dy, Epilogue.NONE);
        block.set(ValueLayout.JAVA_LONG, CONV_WORKSPACE, workspace.address());
        CpuKernels.convBackwardData(pool, block.address());
        free(workspace);
    }

    @Override
    public void convolutionBackwardWeight(Convolution s, Pointer x, Pointer dy, Pointer dw) {
        fill(s, x, dw, dy, Epilogue.NONE);
        long slabs = CpuKernels.convWeightSlabs(block.address());
        Buffer workspace = slabs > 1 ? allocate(4 * slabs * s.co() * s.kh() * s.kw() * s.ci()) : null;
        block.set(ValueLayout.JAVA_LONG, CONV_WORKSPACE, workspace == null ? 0 : workspace.address());
        block.set(ValueLayout.JAVA_LONG, CONV_SLABS, slabs);
        CpuKernels.convBackwardWeight(pool, block.address());
        if (workspace != null) {
            free(workspace);
        }
    }

    private static void requireF32(DType type) {
        if (type != DType.F32) {
            throw new IllegalArgumentException("products on the CPU are fp32, not " + type);
        }
    }

    private void fill(Convolution s, Pointer x, Pointer w, Pointer y, Epilogue epilogue) {
        requireF32(s.type());
        Launch args = launch.of(null).ptr(x).ptr(w).ptr(y).ptr(null).i64(s.n()).i64(s.h()).i64(s.w()).i64(s.ci()).i64(s.co()).i64(s.kh())
                .i64(s.kw()).i64(s.stride()).i64(s.pad()).i64(s.oh()).i64(s.ow());
        fill(args, epilogue, s.co());
    }

    private static void fill(Launch args, Epilogue e, long ldResidual) {
        args.ptr(e.bias()).ptr(e.residual()).i64(ldResidual).flag(e.relu());
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
