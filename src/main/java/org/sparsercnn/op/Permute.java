package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.tensor.Layout;
import org.sparsercnn.tensor.Tensor;

/** Reorders axes, and makes strided views dense; up to six axes, fp32. */
public final class Permute {
    private static final int MAX_RANK = 6;
    private static final Kernel FWD = Kernel.of("permute_fwd_f32",
            "x y n size0 size1 size2 size3 size4 size5 stride0 stride1 stride2 stride3 stride4 stride5");

    private Permute() {}

    /** Axis i of the result is axis {@code axes[i]} of {@code x}. */
    public static Variable apply(Tape tape, Variable x, int... axes) {
        int[] inverse = new int[axes.length];
        for (int i = 0; i < axes.length; i++) {
            inverse[axes[i]] = i;
        }
        return tape.record(copy(tape, x.value().permute(axes)), new Variable[] {x}, new Tensor[0],
                dy -> new Tensor[] {copy(tape, dy.permute(inverse))});
    }

    /** {@code x} itself when it is dense already; what every op does with its inputs. */
    public static Variable dense(Tape tape, Variable x) {
        if (x.value().isDense()) {
            return x;
        }
        return tape.record(copy(tape, x.value()), new Variable[] {x}, new Tensor[0], dy -> new Tensor[] {dy});
    }

    /** A dense copy of a view. */
    static Tensor copy(Tape tape, Tensor x) {
        Layout from = x.layout();
        int rank = from.shape().rank();
        if (rank > MAX_RANK) {
            throw new IllegalArgumentException("at most " + MAX_RANK + " axes: " + x);
        }
        Tensor y = tape.empty(from.shape());
        Launch launch = tape.device().kernel(FWD).ptr(x).ptr(y).i64(x.elements());
        for (int i = 0; i < MAX_RANK; i++) {
            launch.i64(i < MAX_RANK - rank ? 1 : from.shape().size(i - MAX_RANK + rank));
        }
        for (int i = 0; i < MAX_RANK; i++) {
            launch.i64(i < MAX_RANK - rank ? 0 : from.strides()[i - MAX_RANK + rank]);
        }
        launch.overElements(x.elements());
        return y;
    }
}
