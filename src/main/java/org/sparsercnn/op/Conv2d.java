package org.sparsercnn.op;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * 2-D convolution in NHWC: {@code y = act(scale * conv(x, w) + bias + residual)}. With {@code scale} and {@code bias} a frozen
 * batch norm costs nothing (they are constants folded into the weights), with {@code residual} and ReLU the end of a
 * residual block is one op.
 */
public final class Conv2d {
    private static final Kernel SCALE_ROWS = Kernel.of("conv2d_scale_rows_f32", "w scale out rows cols");

    /**
     * What follows the convolution. Each part may be null.
     *
     * @param scale constant factor per output channel (Co)
     * @param bias per output channel (Co); a gradient flows to it where it requires one
     * @param residual added to the output, same shape
     */
    public record After(Tensor scale, Variable bias, Variable residual, boolean relu) {
        public static final After NOTHING = new After(null, null, null, false);
    }

    private Conv2d() {}

    /**
     * @param in (N, H, W, Ci)
     * @param weight (Co, KH, KW, Ci)
     * @return (N, OH, OW, Co)
     */
    public static Variable apply(Tape tape, Variable in, Variable weight, int stride, int pad, After after) {
        Variable x = Permute.dense(tape, in);
        var s = new Convolution(x.shape().size(0), x.shape().size(1), x.shape().size(2), x.shape().size(3),
                weight.shape().size(0), weight.shape().size(1), weight.shape().size(2), stride, pad, DType.F32);
        if (weight.shape().size(3) != s.ci()) {
            throw new IllegalArgumentException("conv2d: input " + x.value() + ", weight " + weight.value());
        }
        Tensor w = after.scale == null ? weight.value() : scaled(tape, weight.value(), after.scale);
        Tensor y = tape.empty(s.n(), s.oh(), s.ow(), s.co());
        Tensor bias = after.bias == null ? null : after.bias.value();
        Variable residual = after.residual == null ? null : Permute.dense(tape, after.residual);
        tape.device().convolution(s, x.value(), w, new Epilogue(bias, residual == null ? null : residual.value(), after.relu), y);

        // Absent inputs stand as constants, so that positions are fixed.
        Variable none = Variable.constant(y);
        Variable[] parents = {x, weight, after.bias == null ? none : after.bias, residual == null ? none : residual};
        List<Tensor> kept = new ArrayList<>(List.of(x.value()));
        if (after.relu) {
            kept.add(y);
        }
        if (after.scale != null) {
            kept.add(after.scale); // the scaled weights are cheaper to make again than to keep
        }
        return tape.record(y, parents, kept.toArray(Tensor[]::new), incoming -> {
            Tensor dy = after.relu ? Relu.backward(tape, incoming, y) : incoming;
            Tensor[] grads = new Tensor[4];
            if (x.requiresGrad()) {
                grads[0] = tape.empty(x.shape());
                Tensor again = after.scale == null ? weight.value() : scaled(tape, weight.value(), after.scale);
                tape.device().convolutionBackwardData(s, dy, again, grads[0]);
            }
            if (weight.requiresGrad()) {
                Tensor dw = tape.empty(weight.shape());
                tape.device().convolutionBackwardWeight(s, x.value(), dy, dw);
                grads[1] = after.scale == null ? dw : scaled(tape, dw, after.scale);
            }
            if (parents[2].requiresGrad()) {
                grads[2] = ColumnSum.apply(tape, dy, s.n() * s.oh() * s.ow(), s.co());
            }
            grads[3] = parents[3].requiresGrad() ? dy : null;
            return grads;
        });
    }

    private static Tensor scaled(Tape tape, Tensor w, Tensor scale) {
        Tensor out = tape.empty(w.shape());
        long rows = w.size(0);
        tape.device().kernel(SCALE_ROWS).ptr(w).ptr(scale).ptr(out).i64(rows).i64(w.elements() / rows).overRows(rows);
        return out;
    }
}
