package org.sparsercnn.optim;

import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Norms of the gradients, the factors clipping multiplies them with, and whether all are finite; computed and kept on the
 * device. Sums run over parts of fixed size and then over the parts in order, so they do not depend on threads.
 */
final class GradientNorms {
    private static final Kernel PARTIAL = Kernel.of("gradient_norms_partial_f32", "parts gradients partial p");
    private static final Kernel FINISH =
            Kernel.of("gradient_norms_finish_f32", "partial offsets factors stats step loss groups p max_norm");

    private final Device device;
    private final Clipping clipping;
    private final ParameterTables tables;
    private final Tensor partial;
    private final Tensor groupOffsets;
    private final Tensor factors;
    private final Tensor stats;
    private final Tensor step;

    GradientNorms(Scope scope, ParameterTables tables, Clipping clipping) {
        this.device = scope.device();
        this.clipping = clipping;
        this.tables = tables;
        long[] groups = factorEach() ? tables.offsets() : new long[] {0, tables.parts()};
        partial = scope.empty(Shape.of(tables.parts()));
        groupOffsets = scope.empty(DType.I64, Shape.of(groups.length));
        groupOffsets.set(groups);
        factors = scope.empty(Shape.of(groups.length - 1));
        stats = scope.empty(Shape.of(2));
        step = scope.empty(DType.I64, Shape.of(1));
        step.zero();
    }

    /** @param loss a scalar that must be finite too, or null */
    void compute(Tensor loss) {
        device.kernel(PARTIAL).ptr(tables.partTable()).ptr(tables.gradientTable()).ptr(partial).f64(clipping.norm()).overRows(tables.parts());
        device.kernel(FINISH).ptr(partial).ptr(groupOffsets).ptr(factors).ptr(stats).ptr(step).ptr(loss)
                .i64(factors.elements()).f64(clipping.norm()).f64(clipping.maxNorm()).overRows(1);
    }

    /** Whether each parameter's gradient has a factor of its own. */
    boolean factorEach() {
        return clipping.type() == Clipping.Type.NORM;
    }

    /** What gradients are multiplied with: one number each, or one for all. */
    Tensor factors() {
        return factors;
    }

    /** F32 (2): the norm over all parameters before clipping; 1 if it and the loss are finite, otherwise 0. */
    Tensor stats() {
        return stats;
    }

    /** I64 (1): updates done. */
    Tensor step() {
        return step;
    }
}
