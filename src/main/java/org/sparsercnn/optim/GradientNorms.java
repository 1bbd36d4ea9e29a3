package org.sparsercnn.optim;

import java.util.List;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Norms of the gradients, the factors clipping multiplies them with, and whether all are finite; computed and kept on the
 * device. Sums run over chunks of fixed size and then over the chunks in order, so they do not depend on threads.
 */
final class GradientNorms {
    private static final int CHUNK = 16384;
    private static final Kernel PARTIAL = Kernel.of("gradient_norms_partial_f32", "g partial n chunk p");
    private static final Kernel FINISH =
            Kernel.of("gradient_norms_finish_f32", "partial offsets factors stats step loss groups p max_norm");

    private final Device device;
    private final Clipping clipping;
    /** Where each parameter's chunks begin in {@link #partial}; one more than parameters. */
    private final long[] offsets;
    private final Tensor partial;
    private final Tensor groupOffsets;
    private final Tensor factors;
    private final Tensor stats;
    private final Tensor step;

    GradientNorms(Scope scope, List<Param> params, Clipping clipping) {
        this.device = scope.device();
        this.clipping = clipping;
        offsets = new long[params.size() + 1];
        for (int i = 0; i < params.size(); i++) {
            offsets[i + 1] = offsets[i] + Math.ceilDiv(params.get(i).value().value().elements(), CHUNK);
        }
        long[] groups = clipping.type() == Clipping.Type.NORM ? offsets : new long[] {0, offsets[params.size()]};
        partial = scope.empty(Shape.of(offsets[params.size()]));
        groupOffsets = scope.empty(DType.I64, Shape.of(groups.length));
        groupOffsets.set(groups);
        factors = scope.empty(Shape.of(groups.length - 1));
        stats = scope.empty(Shape.of(2));
        step = scope.empty(DType.I64, Shape.of(1));
        step.zero();
    }

    /**
     * @param grads one per parameter; null where none came this step
     * @param loss a scalar that must be finite too, or null
     */
    void compute(List<Tensor> grads, Tensor loss) {
        for (int i = 0; i < grads.size(); i++) {
            Tensor g = grads.get(i);
            Tensor own = partial.narrow(0, offsets[i], offsets[i + 1] - offsets[i]);
            if (g == null) {
                own.zero();
            } else {
                device.kernel(PARTIAL).ptr(g).ptr(own).i64(g.elements()).i64(CHUNK).f64(clipping.norm()).overRows(own.elements());
            }
        }
        device.kernel(FINISH).ptr(partial).ptr(groupOffsets).ptr(factors).ptr(stats).ptr(step).ptr(loss)
                .i64(factors.elements()).f64(clipping.norm()).f64(clipping.maxNorm()).overRows(1);
    }

    /** The number that parameter {@code i}'s gradient is multiplied with. */
    Tensor factor(int i) {
        return factors.narrow(0, clipping.type() == Clipping.Type.NORM ? i : 0, 1);
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
