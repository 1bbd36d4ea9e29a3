package org.sparsercnn.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;

/**
 * Products and convolutions of bf16 numbers by a device that has them in fp32 and whose memory is the host's: operands are
 * widened, the sums are fp32, and the result is rounded once, as on tensor cores. Others are passed on.
 */
public record Bf16Products(Device fp32) {
    public void gemm(Gemm g) {
        if (g.factors() == DType.F32) {
            fp32.gemm(g);
            return;
        }
        try (Copies copies = new Copies()) {
            Gemm.Batch b = g.batch();
            Pointer a = copies.in(g.a(), span(b, b.aI(), b.aJ(), g.transA() ? g.k() : g.m(), g.transA() ? g.m() : g.k(), g.lda()));
            Pointer bb = copies.in(g.b(), span(b, b.bI(), b.bJ(), g.transB() ? g.n() : g.k(), g.transB() ? g.k() : g.n(), g.ldb()));
            boolean narrow = g.result() == DType.BF16;
            long size = span(b, b.cI(), b.cJ(), g.m(), g.n(), g.ldc());
            Pointer c = narrow ? copies.inOut(g.c(), size) : g.c();
            Epilogue e = g.epilogue();
            Epilogue epilogue = narrow ? new Epilogue(copies.in(e.bias(), g.n()), copies.in(e.residual(), span(Gemm.Batch.ONE, 0, 0, g.m(), g.n(), g.ldc())), e.relu()) : e;
            fp32.gemm(new Gemm(g.transA(), g.transB(), g.m(), g.n(), g.k(), a, g.lda(), bb, g.ldb(), c, g.ldc(), g.alpha(), g.beta(), b,
                    epilogue, DType.F32, DType.F32));
        }
    }

    /** From the first element to behind the last, gaps included. */
    private static long span(Gemm.Batch b, long strideI, long strideJ, long rows, long cols, long leading) {
        return b.countI() * b.countJ() * rows * cols == 0 ? 0
                : (b.countI() - 1) * strideI + (b.countJ() - 1) * strideJ + (rows - 1) * leading + cols;
    }

    public void convolution(Convolution s, Pointer x, Pointer w, Epilogue e, Pointer y) {
        if (s.type() == DType.F32) {
            fp32.convolution(s, x, w, e, y);
            return;
        }
        try (Copies copies = new Copies()) {
            fp32.convolution(widened(s), copies.in(x, inputs(s)), copies.in(w, weights(s)),
                    new Epilogue(copies.in(e.bias(), s.co()), copies.in(e.residual(), outputs(s)), e.relu()), copies.inOut(y, outputs(s)));
        }
    }

    public void convolutionBackwardData(Convolution s, Pointer dy, Pointer w, Pointer dx) {
        if (s.type() == DType.F32) {
            fp32.convolutionBackwardData(s, dy, w, dx);
            return;
        }
        try (Copies copies = new Copies()) {
            fp32.convolutionBackwardData(widened(s), copies.in(dy, outputs(s)), copies.in(w, weights(s)), copies.inOut(dx, inputs(s)));
        }
    }

    public void convolutionBackwardWeight(Convolution s, Pointer x, Pointer dy, Pointer dw) {
        if (s.type() == DType.F32) {
            fp32.convolutionBackwardWeight(s, x, dy, dw);
            return;
        }
        try (Copies copies = new Copies()) {
            fp32.convolutionBackwardWeight(widened(s), copies.in(x, inputs(s)), copies.in(dy, outputs(s)), copies.inOut(dw, weights(s)));
        }
    }

    private static Convolution widened(Convolution s) {
        return new Convolution(s.n(), s.h(), s.w(), s.ci(), s.co(), s.kh(), s.kw(), s.stride(), s.pad(), DType.F32);
    }

    private static long inputs(Convolution s) {
        return s.n() * s.h() * s.w() * s.ci();
    }

    private static long weights(Convolution s) {
        return s.co() * s.kh() * s.kw() * s.ci();
    }

    private static long outputs(Convolution s) {
        return s.n() * s.oh() * s.ow() * s.co();
    }

    /** The operands of one call in fp32; results are rounded back at its end. */
    private static final class Copies implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private Runnable back = () -> {};

        /** {@code n} bf16 numbers as fp32 ones; null stays null. */
        Pointer in(Pointer from, long n) {
            if (from == null) {
                return null;
            }
            MemorySegment wide = wide(from, n);
            return wide::address;
        }

        Pointer inOut(Pointer at, long n) {
            MemorySegment wide = wide(at, n);
            back = () -> memory(at, n).copyFrom(MemorySegment.ofArray(Bf16.narrow(wide.toArray(ValueLayout.JAVA_FLOAT))));
            return wide::address;
        }

        private MemorySegment wide(Pointer from, long n) {
            float[] values = Bf16.widen(memory(from, n).toArray(ValueLayout.JAVA_SHORT));
            return arena.allocate(4 * n, 64).copyFrom(MemorySegment.ofArray(values));
        }

        private static MemorySegment memory(Pointer p, long n) {
            return MemorySegment.ofAddress(p.address()).reinterpret(2 * n);
        }

        @Override
        public void close() {
            back.run();
            arena.close();
        }
    }
}
