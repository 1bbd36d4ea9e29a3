package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Gated linear unit over the last axis: its first half times the sigmoid of its second, as {@code torch.nn.functional.glu}. */
public final class Glu {
    private static final Kernel FWD = Kernel.of("glu_fwd_f32", "x y rows cols");
    private static final Kernel BWD = Kernel.of("glu_bwd_f32", "dy x dx rows cols");

    private Glu() {}

    /**
     * @param in (…, 2 C)
     * @return (…, C)
     */
    public static Variable apply(Tape tape, Variable in) {
        Variable x = Permute.dense(tape, in);
        if (x.shape().size(-1) % 2 != 0) {
            throw new IllegalArgumentException("glu halves the last axis: " + x.value());
        }
        long rows = x.shape().rows();
        long cols = x.shape().size(-1) / 2;
        DType type = x.value().dtype();
        Tensor y = tape.empty(type, x.shape().withLast(cols));
        tape.device().kernel(FWD.over(type)).ptr(x.value()).ptr(y).i64(rows).i64(cols).overRows(rows);
        return tape.record(y, new Variable[] {x}, new Tensor[] {x.value()}, dy -> {
            Tensor dx = tape.empty(type, x.shape());
            tape.device().kernel(BWD.over(type)).ptr(dy).ptr(x.value()).ptr(dx).i64(rows).i64(cols).overRows(rows);
            return new Tensor[] {dx};
        });
    }
}
