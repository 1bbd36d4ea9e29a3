package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.LongStream;
import org.sparsercnn.ffi.cuda.CudaDnn.Fused;
import org.sparsercnn.ffi.cuda.CudaDnn.Problem;

/** An operation graph's plan at work. A finished variant pack cannot be changed, so every run makes one, in native memory alone. */
final class CudnnGraphPlan implements CudaDnn.Plan {
    private final CudnnHandle handle;
    private final CudnnGraph.Chosen chosen;
    private final Fused fused;
    private final boolean bias;
    private final boolean residual;
    private final MemorySegment ids;
    private final MemorySegment pointers;
    /** The variant pack, then the workspace. */
    private final MemorySegment cells;

    /** @param arena of the handle */
    CudnnGraphPlan(CudnnHandle handle, CudnnGraph.Chosen chosen, Problem problem, Fused fused, Arena arena) {
        this.handle = handle;
        this.chosen = chosen;
        this.fused = fused;
        bias = problem.bias() && fused != Fused.NONE;
        residual = problem.residual() && fused == Fused.ALL;
        var used = LongStream.builder().add(CudnnGraph.IN).add(CudnnGraph.OTHER).add(CudnnGraph.OUT);
        if (bias) used.add(CudnnGraph.BIAS);
        if (residual) used.add(CudnnGraph.RESIDUAL);
        ids = arena.allocateFrom(JAVA_LONG, used.build().toArray());
        pointers = arena.allocate(ids.byteSize(), Long.BYTES);
        cells = arena.allocate(JAVA_LONG, 2);
    }

    /** What the plan cache keeps. */
    String json() {
        return chosen.plan().getText(CudnnAttribute.EXECUTION_PLAN_JSON_REPRESENTATION);
    }

    @Override
    public Fused fused() {
        return fused;
    }

    @Override
    public long workspace() {
        return chosen.workspace();
    }

    @Override
    public void run(long in, long other, long out, long bias, long residual, long workspace, long stream) {
        if (((in | other | out | bias | residual) & CudaDnn.ALIGNMENT - 1) != 0) {
            throw new IllegalArgumentException("a tensor of a convolution is not aligned to " + CudaDnn.ALIGNMENT + " bytes");
        }
        int count = 0;
        pointers.setAtIndex(JAVA_LONG, count++, in);
        pointers.setAtIndex(JAVA_LONG, count++, other);
        pointers.setAtIndex(JAVA_LONG, count++, out);
        if (this.bias) pointers.setAtIndex(JAVA_LONG, count++, bias);
        if (this.residual) pointers.setAtIndex(JAVA_LONG, count++, residual);
        cells.setAtIndex(JAVA_LONG, 1, workspace);
        CudnnLibrary cudnn = handle.cudnn();
        cudnn.createDescriptor(CudnnDescriptor.Type.VARIANT_PACK.id(), cells.address());
        long pack = cells.get(JAVA_LONG, 0);
        try {
            cudnn.setAttribute(pack, CudnnAttribute.VARIANT_PACK_UNIQUE_IDS, count, ids.address());
            cudnn.setAttribute(pack, CudnnAttribute.VARIANT_PACK_DATA_POINTERS, count, pointers.address());
            cudnn.setAttribute(pack, CudnnAttribute.VARIANT_PACK_WORKSPACE, 1, cells.address() + Long.BYTES);
            cudnn.finish(pack);
            cudnn.execute(handle.on(stream), chosen.plan().address(), pack);
        } finally {
            cudnn.destroyDescriptor(pack);
        }
    }

    void close() {
        chosen.close();
    }
}
