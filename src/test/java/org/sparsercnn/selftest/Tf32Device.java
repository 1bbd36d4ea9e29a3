package org.sparsercnn.selftest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;

/** A device in host memory that rounds the factors of fp32 products to TF32, as tensor cores do. */
final class Tf32Device extends ForwardingDevice {
    private static final int DROPPED_BITS = 13; // of fp32's 23, ten stay

    Tf32Device(Device device) {
        super(device);
    }

    /** Devices with TF32 have bf16 too. */
    @Override
    public boolean computesIn(DType type) {
        return true;
    }

    @Override
    public void gemm(Gemm g) {
        Gemm.Batch b = g.batch();
        try (Arena arena = Arena.ofConfined()) {
            Pointer a = rounded(arena, g.a(), span(b, b.aI(), b.aJ(), g.transA() ? g.k() : g.m(), g.transA() ? g.m() : g.k(), g.lda()));
            Pointer bb = rounded(arena, g.b(), span(b, b.bI(), b.bJ(), g.transB() ? g.n() : g.k(), g.transB() ? g.k() : g.n(), g.ldb()));
            device.gemm(new Gemm(g.transA(), g.transB(), g.m(), g.n(), g.k(), a, g.lda(), bb, g.ldb(), g.c(), g.ldc(), g.alpha(), g.beta(), b,
                    g.epilogue(), g.factors(), g.result()));
        }
    }

    private static long span(Gemm.Batch b, long strideI, long strideJ, long rows, long cols, long leading) {
        return b.countI() * b.countJ() * rows * cols == 0 ? 0
                : (b.countI() - 1) * strideI + (b.countJ() - 1) * strideJ + (rows - 1) * leading + cols;
    }

    @Override
    public void convolution(Convolution s, Pointer x, Pointer w, Epilogue epilogue, Pointer y) {
        try (Arena arena = Arena.ofConfined()) {
            device.convolution(s, rounded(arena, x, s.n() * s.h() * s.w() * s.ci()), rounded(arena, w, weights(s)), epilogue, y);
        }
    }

    @Override
    public void convolutionBackwardData(Convolution s, Pointer dy, Pointer w, Pointer dx) {
        try (Arena arena = Arena.ofConfined()) {
            device.convolutionBackwardData(s, rounded(arena, dy, s.n() * s.oh() * s.ow() * s.co()), rounded(arena, w, weights(s)), dx);
        }
    }

    @Override
    public void convolutionBackwardWeight(Convolution s, Pointer x, Pointer dy, Pointer dw) {
        try (Arena arena = Arena.ofConfined()) {
            device.convolutionBackwardWeight(s, rounded(arena, x, s.n() * s.h() * s.w() * s.ci()),
                    rounded(arena, dy, s.n() * s.oh() * s.ow() * s.co()), dw);
        }
    }

    private static long weights(Convolution s) {
        return s.co() * s.kh() * s.kw() * s.ci();
    }

    /** A copy of {@code n} numbers with ten bits behind the point, the nearest ones. */
    private static Pointer rounded(Arena arena, Pointer from, long n) {
        MemorySegment copy = arena.allocate(4 * n, 64).copyFrom(MemorySegment.ofAddress(from.address()).reinterpret(4 * n));
        for (long i = 0; i < n; i++) {
            int bits = copy.getAtIndex(ValueLayout.JAVA_INT, i);
            boolean finite = Float.isFinite(Float.intBitsToFloat(bits));
            int half = 1 << DROPPED_BITS - 1;
            copy.setAtIndex(ValueLayout.JAVA_INT, i, finite ? bits + half & -1 << DROPPED_BITS : bits);
        }
        return copy::address;
    }
}
