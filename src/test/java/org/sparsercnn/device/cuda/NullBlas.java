package org.sparsercnn.device.cuda;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.testing.Bf16Products;

/** Matrix products by the CPU device, once the stream gets there. Wants a workspace and spoils it. */
final class NullBlas implements CudaBlas {
    private static final long WORKSPACE = 4096;

    private final NullDriver driver;
    private final boolean fuses;
    private final CpuDevice cpu = new CpuDevice(1, -1);
    private final Bf16Products products = new Bf16Products(cpu);
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
        boolean relu = fuses && (p.epilogue() == Epilogue.RELU || p.epilogue() == Epilogue.RELU_BIAS);
        var epilogue = new org.sparsercnn.device.Epilogue(pointer(bias), null, relu);
        products.gemm(new Gemm(p.transA(), p.transB(), p.m(), p.n(), p.k(), pointer(a), p.lda(), pointer(b), p.ldb(), pointer(c), p.ldc(),
                p.alpha(), p.beta(), Gemm.Batch.of(p.batch(), p.strideA(), p.strideB(), p.strideC()), epilogue, type(p.factors()),
                type(p.result())));
    }

    private static DType type(NumberType type) {
        return type == NumberType.BF16 ? DType.BF16 : DType.F32;
    }

    private static Pointer pointer(long address) {
        return address == 0 ? null : () -> address;
    }

    @Override
    public void close() {
        cpu.close();
    }
}
