package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** The top-down step of a feature pyramid: the coarser map, each pixel doubled both ways, plus the finer one. */
public final class UpsampleAdd {
    private static final Kernel FWD = Kernel.of("upsample_add_fwd_f32", "top lateral y h w c");
    private static final Kernel BWD = Kernel.of("upsample_add_bwd_f32", "dy dtop h w c");

    private UpsampleAdd() {}

    /**
     * @param coarse (N, H, W, C)
     * @param fine (N, 2H, 2W, C)
     * @return (N, 2H, 2W, C)
     */
    public static Variable apply(Tape tape, Variable coarse, Variable fine) {
        DType type = fine.value().dtype();
        Variable top = Permute.dense(tape, Cast.apply(tape, coarse, type));
        Variable lateral = Permute.dense(tape, fine);
        Shape s = top.shape();
        long h = s.size(1);
        long w = s.size(2);
        long c = s.size(3);
        if (!lateral.shape().equals(Shape.of(s.size(0), 2 * h, 2 * w, c))) {
            throw new IllegalArgumentException("a pyramid level must be exactly twice the next coarser one: " + lateral.shape()
                    + " over " + s + " (images are padded to a multiple of the coarsest stride for this)");
        }
        Tensor y = tape.empty(type, lateral.shape());
        tape.device().kernel(FWD.over(type)).ptr(top.value()).ptr(lateral.value()).ptr(y).i64(h).i64(w).i64(c).overRows(s.size(0) * 4 * h * w);
        return tape.record(y, new Variable[] {top, lateral}, new Tensor[0], dy -> {
            Tensor dtop = null;
            if (top.requiresGrad()) {
                dtop = tape.empty(type, s);
                tape.device().kernel(BWD.over(type)).ptr(dy).ptr(dtop).i64(h).i64(w).i64(c).overRows(s.size(0) * h * w);
            }
            return new Tensor[] {dtop, dy};
        });
    }
}
