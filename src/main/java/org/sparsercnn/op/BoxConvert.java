package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Boxes between corners (x0, y0, x1, y1) and (centre x, centre y, width, height), in whatever unit. */
public final class BoxConvert {
    private static final Kernel FWD = Kernel.of("box_convert_fwd_f32", "x y n to_xyxy");
    private static final Kernel BWD = Kernel.of("box_convert_bwd_f32", "dy dx n to_xyxy");

    private BoxConvert() {}

    /** @param boxesCxcywh (…, 4) */
    public static Variable toXyxy(Tape tape, Variable boxesCxcywh) {
        return apply(tape, boxesCxcywh, true);
    }

    /** @param boxesXyxy (…, 4) */
    public static Variable toCxcywh(Tape tape, Variable boxesXyxy) {
        return apply(tape, boxesXyxy, false);
    }

    private static Variable apply(Tape tape, Variable in, boolean toXyxy) {
        Variable x = Permute.dense(tape, in);
        long n = x.shape().rows();
        Tensor y = tape.empty(x.shape());
        tape.device().kernel(FWD).ptr(x.value()).ptr(y).i64(n).flag(toXyxy).overElements(n);
        return tape.record(y, new Variable[] {x}, new Tensor[0], dy -> {
            Tensor dx = tape.empty(x.shape());
            tape.device().kernel(BWD).ptr(dy).ptr(dx).i64(n).flag(toXyxy).overElements(n);
            return new Tensor[] {dx};
        });
    }
}
