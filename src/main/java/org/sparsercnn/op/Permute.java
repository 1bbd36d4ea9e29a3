package org.sparsercnn.op;

import java.util.Arrays;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.tensor.Tensor;

/** Reorders axes, and makes strided views dense; up to six axes. */
public final class Permute {
    private static final int MAX_RANK = 6;
    private static final long BLOCK_ROWS = 16;
    private static final Kernel FWD = Kernel.of("permute_fwd_f32",
            "x y size0 size1 size2 size3 rows cols stride0 stride1 stride2 stride3 row_stride col_stride block_rows");

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
        if (x.shape().rank() > MAX_RANK) {
            throw new IllegalArgumentException("at most " + MAX_RANK + " axes: " + x);
        }
        Tensor y = tape.empty(x.dtype(), x.shape());
        if (x.elements() == 0) {
            return y;
        }
        long[] sizes = new long[MAX_RANK];
        long[] strides = new long[MAX_RANK];
        collapse(x, sizes, strides);
        Launch launch = tape.device().kernel(FWD.over(x.dtype())).ptr(x).ptr(y);
        for (long size : sizes) {
            launch.i64(size);
        }
        for (long stride : strides) {
            launch.i64(stride);
        }
        long rows = sizes[MAX_RANK - 2];
        launch.i64(BLOCK_ROWS).overRows(x.elements() / (rows * sizes[MAX_RANK - 1]) * Math.ceilDiv(rows, BLOCK_ROWS));
        return y;
    }

    /** The same elements in the same order with as few axes as will do, innermost last; axes in front have size 1. */
    private static void collapse(Tensor x, long[] sizes, long[] strides) {
        Arrays.fill(sizes, 1);
        long[] steps = x.strides();
        int at = MAX_RANK;
        for (int axis = x.shape().rank() - 1; axis >= 0; axis--) {
            long size = x.size(axis);
            long stride = steps[axis];
            if (size == 1) {
                continue;
            }
            if (at < MAX_RANK && stride == sizes[at] * strides[at]) {
                sizes[at] *= size;
            } else {
                sizes[--at] = size;
                strides[at] = stride;
            }
        }
        if (at == MAX_RANK - 1) { // one axis: rows of one element, so that the blocks share them out
            sizes[at - 1] = sizes[at];
            strides[at - 1] = strides[at];
            sizes[at] = 1;
        }
    }
}
