package org.sparsercnn.device.cuda;

import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.cuda.BlockAllocator.Block;
import org.sparsercnn.ffi.cuda.CudaDnn;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.ffi.cuda.CudaDnn.Kind;
import org.sparsercnn.ffi.cuda.CudaDriver;

/** {@link Convolution} on {@link CudaDnn}: a plan for each problem, and the rest of the epilogue. */
final class Convolutions {
    private static final long WORKSPACE_LIMIT = 512L << 20;

    private final CudaDnn dnn;
    private final CudaDriver driver;
    private final DeviceMemory memory;
    private final OutputEpilogue rest;
    private final CudaOptions options;
    private final long stream;
    private final PlanCache<CudaDnn.Plan> plans = new PlanCache<>();

    Convolutions(CudaDnn dnn, CudaDriver driver, DeviceMemory memory, OutputEpilogue rest, CudaOptions options, long stream) {
        this.dnn = dnn;
        this.driver = driver;
        this.memory = memory;
        this.rest = rest;
        this.options = options;
        this.stream = stream;
    }

    void forward(Convolution s, long x, long w, Epilogue epilogue, long y) {
        long outputs = s.n() * s.oh() * s.ow() * s.co();
        if (outputs == 0) {
            return;
        }
        long bias = address(epilogue.bias());
        long residual = address(epilogue.residual());
        Fused fused = run(Kind.FORWARD, s, x, w, y, outputs, bias, residual, epilogue.relu());
        if (fused != Fused.ALL) {
            rest.run(s.type(), y, fused == Fused.BIAS ? 0 : bias, residual, outputs / s.co(), s.co(), s.co(), 1, epilogue.relu());
        }
    }

    void backwardData(Convolution s, long dy, long w, long dx) {
        long inputs = s.n() * s.h() * s.w() * s.ci();
        if (s.n() * s.oh() * s.ow() == 0) {
            zero(dx, inputs * s.type().bytes());
        } else {
            run(Kind.BACKWARD_DATA, s, dy, w, dx, inputs, 0, 0, false);
        }
    }

    void backwardWeight(Convolution s, long x, long dy, long dw) {
        long weights = s.co() * s.kh() * s.kw() * s.ci();
        if (s.n() * s.oh() * s.ow() == 0) {
            zero(dw, weights * s.type().bytes());
        } else {
            run(Kind.BACKWARD_WEIGHT, s, x, dy, dw, weights, 0, 0, false);
        }
    }

    private void zero(long address, long bytes) {
        if (bytes > 0) {
            driver.fill(address, (byte) 0, bytes, stream);
        }
    }

    private Fused run(Kind kind, Convolution s, long in, long other, long out, long elements, long bias, long residual, boolean relu) {
        CudaDnn.Plan plan = plan(kind, s, bias != 0, residual != 0, relu);
        Block workspace = plan.workspace() == 0 ? null : memory.take(plan.workspace());
        long work = workspace == null ? 0 : workspace.address();
        if (((in | other | out | bias | residual) & CudaDnn.ALIGNMENT - 1) == 0) {
            plan.run(in, other, out, bias, residual, work, stream);
        } else {
            long bytes = s.type().bytes();
            long x = bytes * s.n() * s.h() * s.w() * s.ci();
            long w = bytes * s.co() * s.kh() * s.kw() * s.ci();
            long y = bytes * s.n() * s.oh() * s.ow() * s.co();
            Block first = aligned(in, kind == Kind.BACKWARD_DATA ? y : x);
            Block second = aligned(other, kind == Kind.BACKWARD_WEIGHT ? y : w);
            Block biasCopy = aligned(bias, bias == 0 ? 0 : bytes * s.co());
            Block residualCopy = aligned(residual, residual == 0 ? 0 : y);
            Block result = memory.take(bytes * elements);
            plan.run(first.address(), second.address(), result.address(), bias == 0 ? 0 : biasCopy.address(),
                    residual == 0 ? 0 : residualCopy.address(), work, stream);
            driver.copyOnDevice(out, result.address(), bytes * elements, stream);
            first.give();
            second.give();
            biasCopy.give();
            residualCopy.give();
            result.give();
        }
        if (workspace != null) {
            workspace.give();
        }
        return plan.fused();
    }

    /** A copy of a view that begins where the library takes no tensor. */
    private Block aligned(long address, long bytes) {
        Block copy = memory.take(bytes);
        if (bytes > 0) {
            driver.copyOnDevice(copy.address(), address, bytes, stream);
        }
        return copy;
    }

    private CudaDnn.Plan plan(Kind kind, Convolution s, boolean bias, boolean residual, boolean relu) {
        long kinds = kind.ordinal() | (bias ? 4 : 0) | (residual ? 8 : 0) | (relu ? 16 : 0) | s.type().ordinal() << 8;
        plans.begin().add(kinds).add(s.n()).add(s.h()).add(s.w()).add(s.ci()).add(s.co()).add(s.kh()).add(s.kw()).add(s.stride())
                .add(s.pad());
        CudaDnn.Plan plan = plans.get();
        return plan != null ? plan : plans.put(dnn.plan(new CudaDnn.Problem(kind, s.n(), s.h(), s.w(), s.ci(), s.co(), s.kh(), s.kw(),
                s.stride(), s.pad(), options.factors(s.type()), bias, residual, relu), WORKSPACE_LIMIT, options.deterministic()));
    }

    private static long address(Pointer p) {
        return p == null ? 0 : p.address();
    }
}
