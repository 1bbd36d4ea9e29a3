package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Batch norm whose statistics and affine parameters are constants, as detectron2's FrozenBatchNorm2d: y = x scale + shift by
 * channel, optionally with ReLU. After a convolution it costs nothing: pass the {@linkplain #fold folded} values to
 * {@link Conv2d.After}.
 */
public final class FrozenBatchNorm {
    private static final Kernel FOLD = Kernel.of("frozen_batch_norm_fold_f32", "weight bias mean var scale shift cols eps");
    private static final Kernel FWD = Kernel.of("frozen_batch_norm_fwd_f32", "x scale shift y rows cols chunks relu");
    private static final Kernel BWD = Kernel.of("frozen_batch_norm_bwd_f32", "dy y scale dx rows cols chunks relu");

    /** scale = weight / sqrt(var + eps) and shift = bias - mean scale, (C) each. */
    public record Folded(Tensor scale, Tensor shift) {}

    private FrozenBatchNorm() {}

    /** All inputs (C), dense, F32. In inference it is done once. */
    public static Folded fold(Tape tape, Tensor weight, Tensor bias, Tensor mean, Tensor var, double eps) {
        long cols = weight.elements();
        Tensor both = tape.prepared(weight, () -> {
            Tensor t = tape.empty(2 * cols);
            tape.device().kernel(FOLD).ptr(weight).ptr(bias).ptr(mean).ptr(var).ptr(t).ptr(t.narrow(0, cols, cols))
                    .i64(cols).f64(eps).overElements(cols);
            return t;
        });
        // The shift is known by the bias it came from, so that what is made from it is made once too.
        return new Folded(both.narrow(0, 0, cols), tape.prepared(bias, () -> both.narrow(0, cols, cols)));
    }

    /** @param in (…, C) */
    public static Variable apply(Tape tape, Variable in, Folded folded, boolean relu) {
        Variable x = Permute.dense(tape, in);
        Tensor scale = folded.scale;
        long cols = x.shape().size(-1);
        long rows = x.shape().rows();
        long chunks = ColumnSum.chunks(rows);
        DType type = x.value().dtype();
        Tensor y = tape.empty(type, x.shape());
        tape.device().kernel(FWD.over(type)).ptr(x.value()).ptr(scale).ptr(folded.shift).ptr(y)
                .i64(rows).i64(cols).i64(chunks).flag(relu).overRows(chunks);
        return tape.record(y, new Variable[] {x}, relu ? new Tensor[] {scale, y} : new Tensor[] {scale}, dy -> {
            Tensor dx = tape.empty(type, x.shape());
            tape.device().kernel(BWD.over(type)).ptr(dy).ptr(relu ? y : null).ptr(scale).ptr(dx)
                    .i64(rows).i64(cols).i64(chunks).flag(relu).overRows(chunks);
            return new Tensor[] {dx};
        });
    }
}
