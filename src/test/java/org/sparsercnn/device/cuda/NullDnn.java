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

/** Convolutions by the CPU device; those of bf16 numbers on copies in fp32. Wants a workspace and spoils it. */
final class NullDnn implements CudaDnn {
    private static final long WORKSPACE = 8192;

    private final NullDriver driver;
    private final Fused fused;
    private final CpuDevice cpu = new CpuDevice(1, -1);
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
        var shape = new Convolution(p.n(), p.h(), p.w(), p.ci(), p.co(), p.kh(), p.kw(), p.stride(), p.pad(), DType.F32);
        long x = p.n() * p.h() * p.w() * p.ci();
        long w = p.co() * p.kh() * p.kw() * p.ci();
        long y = p.n() * p.oh() * p.ow() * p.co();
        try (HalfNumbers half = new HalfNumbers(driver, p.type() == NumberType.BF16)) {
            switch (p.kind()) {
                case FORWARD -> cpu.convolution(shape, pointer(half.read(in, x)), pointer(half.read(other, w)),
                        new Epilogue(bias == 0 ? null : pointer(half.read(bias, p.co())), residual == 0 ? null : pointer(half.read(residual, y)),
                                fused == Fused.ALL && p.relu()), pointer(half.readAndWrite(out, y)));
                case BACKWARD_DATA -> cpu.convolutionBackwardData(shape, pointer(half.read(in, y)), pointer(half.read(other, w)),
                        pointer(half.readAndWrite(out, x)));
                case BACKWARD_WEIGHT -> cpu.convolutionBackwardWeight(shape, pointer(half.read(in, x)), pointer(half.read(other, y)),
                        pointer(half.readAndWrite(out, w)));
            }
        }
    }

    private static Pointer pointer(long address) {
        return () -> address;
    }

    @Override
    public void close() {
        cpu.close();
    }
}
