package org.sparsercnn.device.cuda;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.NumberType;

/** Matrix products by the CPU device; those of bf16 numbers on copies in fp32. Wants a workspace and spoils it. */
final class NullBlas implements CudaBlas {
    private static final long WORKSPACE = 4096;

    private final NullDriver driver;
    private final boolean fuses;
    private final CpuDevice cpu = new CpuDevice(1, -1);
    private final List<Product> planned = new ArrayList<>();

    /** @param fuses whether it does epilogues */
    NullBlas(NullDriver driver, boolean fuses) {
        this.driver = driver;
        this.fuses = fuses;
    }

    List<Product> planned() {
        return planned;
    }

    @Override
    public String description() {
        return "null";
    }

    @Override
    public Plan plan(Product p) {
        planned.add(p);
        return new Plan() {
            @Override
            public long workspace() {
                return WORKSPACE;
            }

            @Override
            public boolean fusesEpilogue() {
                return fuses;
            }

            @Override
            public void run(long a, long b, long c, long bias, long workspace, long stream) {
                if (CudaBlas.alignment(a, b, c, bias) < p.alignment() || workspace % 256 != 0) {
                    throw new AssertionError("not as aligned as " + p);
                }
                driver.requireHeld(workspace, WORKSPACE, "workspace");
                driver.enqueue(stream, "product", () -> {
                    multiply(p, a, b, c, bias);
                    NullDriver.memory(workspace, WORKSPACE).fill((byte) 0xff);
                });
            }
        };
    }

    private void multiply(Product p, long a, long b, long c, long bias) {
        long spanA = span(p.batch(), p.strideA(), p.transA() ? p.k() : p.m(), p.lda(), p.transA() ? p.m() : p.k());
        long spanB = span(p.batch(), p.strideB(), p.transB() ? p.n() : p.k(), p.ldb(), p.transB() ? p.k() : p.n());
        long spanC = span(p.batch(), p.strideC(), p.m(), p.ldc(), p.n());
        try (HalfNumbers half = new HalfNumbers(driver, p.factors() == NumberType.BF16);
                HalfNumbers result = new HalfNumbers(driver, p.result() == NumberType.BF16)) {
            Pointer biasF32 = bias == 0 ? null : pointer(result.read(bias, p.n()));
            boolean relu = fuses && (p.epilogue() == Epilogue.RELU || p.epilogue() == Epilogue.RELU_BIAS);
            var epilogue = new org.sparsercnn.device.Epilogue(biasF32, null, relu);
            cpu.gemm(new Gemm(p.transA(), p.transB(), p.m(), p.n(), p.k(), pointer(half.read(a, spanA)), p.lda(), pointer(half.read(b, spanB)),
                    p.ldb(), pointer(result.readAndWrite(c, spanC)), p.ldc(), p.alpha(), p.beta(),
                    Gemm.Batch.of(p.batch(), p.strideA(), p.strideB(), p.strideC()), epilogue, DType.F32, DType.F32));
        }
    }

    private static long span(long batch, long stride, long rows, long ld, long cols) {
        return (batch - 1) * stride + (rows - 1) * ld + cols;
    }

    private static Pointer pointer(long address) {
        return () -> address;
    }

    @Override
    public void close() {
        cpu.close();
    }
}
