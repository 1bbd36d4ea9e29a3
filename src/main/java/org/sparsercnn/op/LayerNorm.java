package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * Layer normalisation over the last axis, optionally with ReLU after it: the pair stands after every product of the dynamic
 * convolution and in the heads' towers. Statistics are fp32.
 */
public final class LayerNorm {
    private static final Kernel FWD = Kernel.of("layer_norm_fwd_f32", "x gamma beta y mean rstd rows cols eps relu");
    private static final Kernel BWD = Kernel.of("layer_norm_bwd_f32", "dy x y gamma mean rstd dx rows cols relu");
    private static final Kernel PARAM_BWD = Kernel.of("layer_norm_param_bwd_f32", "dy x y mean rstd partial rows cols chunks relu");

    private LayerNorm() {}

    /**
     * @param in (…, C)
     * @param gamma (C)
     * @param beta (C)
     */
    public static Variable apply(Tape tape, Variable in, Variable gamma, Variable beta, double eps, boolean relu) {
        Variable x = Permute.dense(tape, in);
        long cols = x.shape().size(-1);
        long rows = x.shape().rows();
        DType type = x.value().dtype();
        Tensor y = tape.empty(type, x.shape());
        Tensor mean = tape.empty(rows);
        Tensor rstd = tape.empty(rows);
        tape.device().kernel(FWD.over(type)).ptr(x.value()).ptr(gamma.value()).ptr(beta.value()).ptr(y).ptr(mean).ptr(rstd)
                .i64(rows).i64(cols).f64(eps).flag(relu).overRows(rows);
        return record(tape, x, gamma, beta, relu, y, mean, rstd);
    }

    /** Records {@code y}, computed from dense {@code x} by whatever means, with the mean and 1 / deviation of every row. */
    static Variable record(Tape tape, Variable x, Variable gamma, Variable beta, boolean relu, Tensor y, Tensor mean, Tensor rstd) {
        long cols = x.shape().size(-1);
        long rows = x.shape().rows();
        DType type = y.dtype();
        return tape.record(y, new Variable[] {x, gamma, beta}, new Tensor[] {x.value(), y, mean, rstd}, dy -> {
            Tensor[] grads = new Tensor[3];
            if (x.requiresGrad()) {
                grads[0] = tape.empty(type, x.shape());
                tape.device().kernel(BWD.over(type)).ptr(dy).ptr(x.value()).ptr(y).ptr(gamma.value()).ptr(mean).ptr(rstd).ptr(grads[0])
                        .i64(rows).i64(cols).flag(relu).overRows(rows);
            }
            if (gamma.requiresGrad() || beta.requiresGrad()) {
                long chunks = ColumnSum.chunks(rows);
                Tensor partial = tape.empty(chunks, 2, cols);
                tape.device().kernel(PARAM_BWD.over(type)).ptr(dy).ptr(x.value()).ptr(y).ptr(mean).ptr(rstd).ptr(partial)
                        .i64(rows).i64(cols).i64(chunks).flag(relu).overRows(chunks);
                Tensor sums = ColumnSum.apply(tape, partial, chunks, 2 * cols);
                grads[1] = sums.narrow(0, 0, cols);
                grads[2] = sums.narrow(0, cols, cols);
            }
            return grads;
        });
    }
}
