package org.sparsercnn.device.cuda;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.ffi.cuda.CudaDnn;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.testing.Bf16Products;

/** Convolutions by the CPU device, once the stream gets there. Wants a workspace and spoils it. */
final class NullDnn implements CudaDnn {
    private static final long WORKSPACE = 8192;

    private final NullDriver driver;
    private final Fused fused;
    private final CpuDevice cpu = new CpuDevice(1, -1);
    private final Bf16Products products = new Bf16Products(cpu);
    private final List<Problem> planned = new ArrayList<>();

    /** @param fused how much of an epilogue it does */
    NullDnn(NullDriver driver, Fused fused) {
        this.driver = driver;
        this.fused = fused;
    }

    List<Problem> planned() {
        return planned;
    }

    @Override
    public String description() {
        return "null";
    }

    @Override
    public Plan plan(Problem p, long workspaceLimit, boolean deterministic) {
        planned.add(p);
        return new Plan() {
            @Override
            public Fused fused() {
                return fused;
            }

            @Override
            public long workspace() {
                return WORKSPACE;
            }

            @Override
            public void run(long in, long other, long out, long bias, long residual, long workspace, long stream) {
                if ((in | other | out | bias | residual) % ALIGNMENT != 0) {
                    throw new AssertionError("not aligned: " + p);
                }
                driver.requireHeld(workspace, WORKSPACE, "workspace");
                driver.enqueue(stream, "convolution " + p.kind(), () -> {
                    compute(p, in, other, out, fused == Fused.NONE ? 0 : bias, fused == Fused.ALL ? residual : 0);
                    NullDriver.memory(workspace, WORKSPACE).fill((byte) 0xff);
                });
            }
        };
    }

    private void compute(Problem p, long in, long other, long out, long bias, long residual) {
        var shape = new Convolution(p.n(), p.h(), p.w(), p.ci(), p.co(), p.kh(), p.kw(), p.stride(), p.pad(),
                p.type() == NumberType.BF16 ? DType.BF16 : DType.F32);
        switch (p.kind()) {
            case FORWARD -> products.convolution(shape, pointer(in), pointer(other), new Epilogue(pointer(bias), pointer(residual),
                    fused == Fused.ALL && p.relu()), pointer(out));
            case BACKWARD_DATA -> products.convolutionBackwardData(shape, pointer(in), pointer(other), pointer(out));
            case BACKWARD_WEIGHT -> products.convolutionBackwardWeight(shape, pointer(in), pointer(other), pointer(out));
        }
    }

    private static Pointer pointer(long address) {
        return address == 0 ? null : () -> address;
    }

    @Override
    public void close() {
        cpu.close();
    }
}
