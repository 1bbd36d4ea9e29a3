package org.sparsercnn.device.cuda;

import org.sparsercnn.device.DType;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.cuda.BlockAllocator.Block;
import org.sparsercnn.ffi.cuda.CudaBlas;
import org.sparsercnn.ffi.cuda.CudaBlas.Epilogue;
import org.sparsercnn.ffi.cuda.NumberType;

/** {@link Gemm} on {@link CudaBlas}: a plan for each shape, as few calls as the batch allows, and the rest of the epilogue. */
final class MatrixProducts {
    private final CudaBlas blas;
    private final DeviceMemory memory;
    private final OutputEpilogue rest;
    private final CudaOptions options;
    private final long stream;
    private final PlanCache<CudaBlas.Plan> plans = new PlanCache<>();

    MatrixProducts(CudaBlas blas, DeviceMemory memory, OutputEpilogue rest, CudaOptions options, long stream) {
        this.blas = blas;
        this.memory = memory;
        this.rest = rest;
        this.options = options;
        this.stream = stream;
    }

    void run(Gemm g) {
        Gemm.Batch b = g.batch();
        if (g.m() == 0 || g.n() == 0 || b.countI() == 0 || b.countJ() == 0) {
            return;
        }
        if (g.k() == 0) { // libraries refuse it; what is left is beta C
            finish(g, g.beta(), address(g.epilogue().bias()), g.epilogue().relu());
            return;
        }
        boolean fusible = g.beta() == 0 && g.epilogue().residual() == null;
        if (!multiply(g, fusible ? epilogue(g) : Epilogue.NONE) || !fusible) {
            finish(g, 1, address(g.epilogue().bias()), g.epilogue().relu());
        }
    }

    /**
     * One batch where (i, j) count through evenly spaced matrices, otherwise one for each index of the shorter side.
     *
     * @return whether the epilogue is done
     */
    private boolean multiply(Gemm g, Epilogue epilogue) {
        Gemm.Batch b = g.batch();
        boolean even = b.aI() == b.countJ() * b.aJ() && b.bI() == b.countJ() * b.bJ() && b.cI() == b.countJ() * b.cJ();
        if (b.countI() == 1 || b.countJ() > 1 && even) {
            return multiply(g, epilogue, b.countI() * b.countJ(), b.aJ(), b.bJ(), b.cJ(), 1, 0, 0, 0);
        }
        if (b.countI() <= b.countJ()) {
            return multiply(g, epilogue, b.countJ(), b.aJ(), b.bJ(), b.cJ(), b.countI(), b.aI(), b.bI(), b.cI());
        }
        return multiply(g, epilogue, b.countI(), b.aI(), b.bI(), b.cI(), b.countJ(), b.aJ(), b.bJ(), b.cJ());
    }

    private boolean multiply(Gemm g, Epilogue epilogue, long batch, long strideA, long strideB, long strideC, long calls, long stepA,
                             long stepB, long stepC) {
        long a = g.a().address();
        long b = g.b().address();
        long c = g.c().address();
        long bias = epilogue.hasBias() ? address(g.epilogue().bias()) : 0;
        long nextA = stepA * g.factors().bytes();
        long nextB = stepB * g.factors().bytes();
        long nextC = stepC * g.result().bytes();
        int alignment = CudaBlas.alignment(a | nextA, b | nextB, c | nextC, bias);
        CudaBlas.Plan plan = plan(g, epilogue, batch, strideA, strideB, strideC, alignment);
        Block workspace = plan.workspace() == 0 ? null : memory.take(plan.workspace());
        for (long i = 0; i < calls; i++) {
            plan.run(a + i * nextA, b + i * nextB, c + i * nextC, plan.fusesEpilogue() ? bias : 0,
                    workspace == null ? 0 : workspace.address(), stream);
        }
        if (workspace != null) {
            workspace.give();
        }
        return plan.fusesEpilogue();
    }

    private static Epilogue epilogue(Gemm g) {
        boolean bias = g.epilogue().bias() != null;
        return g.epilogue().relu() ? bias ? Epilogue.RELU_BIAS : Epilogue.RELU : bias ? Epilogue.BIAS : Epilogue.NONE;
    }

    private CudaBlas.Plan plan(Gemm g, Epilogue epilogue, long batch, long strideA, long strideB, long strideC, int alignment) {
        long kinds = (g.transA() ? 1 : 0) | (g.transB() ? 2 : 0) | epilogue.ordinal() << 2 | g.factors().ordinal() << 8
                | g.result().ordinal() << 12 | (long) alignment << 16;
        plans.begin().add(kinds).add(g.m()).add(g.n()).add(g.k()).add(g.lda()).add(g.ldb()).add(g.ldc()).add(batch).add(strideA)
                .add(strideB).add(strideC).add(Float.floatToRawIntBits(g.alpha())).add(Float.floatToRawIntBits(g.beta()));
        CudaBlas.Plan plan = plans.get();
        return plan != null ? plan : plans.put(blas.plan(new CudaBlas.Product(g.transA(), g.transB(), g.m(), g.n(), g.k(), g.lda(), g.ldb(),
                g.ldc(), batch, strideA, strideB, strideC, g.alpha(), g.beta(), options.factors(g.factors()),
                g.result() == DType.F32 ? NumberType.F32 : NumberType.BF16, epilogue, alignment)));
    }

    /** act(beta C + bias + residual), matrix by matrix unless they lie one after another; all have the same residual. */
    private void finish(Gemm g, double beta, long bias, boolean relu) {
        Gemm.Batch b = g.batch();
        long residual = address(g.epilogue().residual());
        long matrix = g.m() * g.ldc();
        if (residual == 0 && (b.countJ() == 1 || b.cJ() == matrix) && (b.countI() == 1 || b.cI() == b.countJ() * matrix)) {
            rest.run(g.result(), g.c().address(), bias, 0, b.countI() * b.countJ() * g.m(), g.n(), g.ldc(), beta, relu);
            return;
        }
        for (long i = 0; i < b.countI(); i++) {
            for (long j = 0; j < b.countJ(); j++) {
                long c = g.c().address() + (i * b.cI() + j * b.cJ()) * g.result().bytes();
                rest.run(g.result(), c, bias, residual, g.m(), g.n(), g.ldc(), beta, relu);
            }
        }
    }

    private static long address(Pointer p) {
        return p == null ? 0 : p.address();
    }
}
