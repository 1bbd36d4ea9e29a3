package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** L1 distance of every pair of rows; equal values have gradient 0. */
public final class CdistL1 {
    private static final Kernel FWD = Kernel.of("cdist_l1_fwd_f32", "x z y n m d");
    private static final Kernel BWD = Kernel.of("cdist_l1_bwd_f32", "dy own other down n m d own_stride other_stride");

    private CdistL1() {}

    /**
     * @param rows (N, D)
     * @param columns (M, D)
     * @return (N, M)
     */
    public static Variable apply(Tape tape, Variable rows, Variable columns) {
        Variable x = Permute.dense(tape, rows);
        Variable z = Permute.dense(tape, columns);
        long n = x.shape().size(0);
        long m = z.shape().size(0);
        long d = x.shape().size(1);
        Tensor y = tape.empty(n, m);
        tape.device().kernel(FWD).ptr(x.value()).ptr(z.value()).ptr(y).i64(n).i64(m).i64(d).overRows(n);
        return tape.record(y, new Variable[] {x, z}, new Tensor[] {x.value(), z.value()},
                dy -> new Tensor[] {backward(tape, dy, x, z, m, 1), backward(tape, dy, z, x, 1, m)});
    }

    private static Tensor backward(Tape tape, Tensor dy, Variable own, Variable other, long ownStride, long otherStride) {
        if (!own.requiresGrad()) {
            return null;
        }
        Tensor down = tape.empty(own.shape());
        long n = own.shape().size(0);
        tape.device().kernel(BWD).ptr(dy).ptr(own.value()).ptr(other.value()).ptr(down)
                .i64(n).i64(other.shape().size(0)).i64(own.shape().size(1)).i64(ownStride).i64(otherStride).overRows(n);
        return down;
    }
}
