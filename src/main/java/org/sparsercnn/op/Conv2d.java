package org.sparsercnn.op;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * 2-D convolution in NHWC: {@code y = act(scale * conv(x, w) + bias + residual)}. With {@code scale} and {@code bias} a frozen
 * batch norm costs nothing (they are constants folded into the weights), with {@code residual} and ReLU the end of a
 * residual block is one op.
 */
public final class Conv2d {
    private static final Kernel WEIGHT_FWD = Kernel.of("conv2d_weight_fwd_f32", "w scale out rows cols");
    private static final Kernel WEIGHT_BWD = Kernel.of("conv2d_weight_bwd_f32", "dout scale dw rows cols");

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
     * Input, weight, bias and residual are converted to the type the tape computes in; the gradients of weight and bias stay fp32.
     *
     * @param in (N, H, W, Ci)
     * @param weight (Co, KH, KW, Ci)
     * @return (N, OH, OW, Co)
     */
    public static Variable apply(Tape tape, Variable in, Variable weight, int stride, int pad, After after) {
        DType type = tape.compute();
        Variable x = Cast.factor(tape, in);
        if (weight.shape().size(3) != x.shape().size(3)) {
            throw new IllegalArgumentException("conv2d: input " + x.value() + ", weight " + weight.value());
        }
        Tensor w = prepared(tape, weight.value(), after.scale);
        var s = new Convolution(x.shape().size(0), x.shape().size(1), x.shape().size(2), x.shape().size(3),
                weight.shape().size(0), weight.shape().size(1), weight.shape().size(2), stride, pad, type);
        Tensor y = tape.empty(type, Shape.of(s.n(), s.oh(), s.ow(), s.co()));
        Tensor bias = after.bias == null ? null : Cast.weight(tape, after.bias.value());
        Variable residual = after.residual == null ? null : Cast.factor(tape, after.residual);
        tape.device().convolution(s, x.value(), w, new Epilogue(bias, residual == null ? null : residual.value(), after.relu), y);

        // Absent inputs stand as constants, so that positions are fixed.
        Variable none = Variable.constant(y);
        Variable[] parents = {x, weight, after.bias == null ? none : after.bias, residual == null ? none : residual};
        List<Tensor> kept = new ArrayList<>(List.of(x.value(), w));
        if (after.relu) {
            kept.add(y);
        }
        if (after.scale != null) {
            kept.add(after.scale);
        }
        return tape.record(y, parents, kept.toArray(Tensor[]::new), incoming -> {
            Tensor dy = after.relu ? Relu.backward(tape, incoming, y) : incoming;
            Tensor[] grads = new Tensor[4];
            if (x.requiresGrad()) {
                grads[0] = tape.empty(type, x.shape());
                tape.device().convolutionBackwardData(s, dy, w, grads[0]);
            }
            if (weight.requiresGrad()) {
                Tensor dw = tape.empty(type, w.shape());
                tape.device().convolutionBackwardWeight(s, x.value(), dy, dw);
                grads[1] = weightGradient(tape, dw, after.scale, weight.shape());
            }
            if (parents[2].requiresGrad()) {
                grads[2] = ColumnSum.apply(tape, dy, s.n() * s.oh() * s.ow(), s.co());
            }
            grads[3] = parents[3].requiresGrad() ? dy : null;
            return grads;
        });
    }

    /** The weight as the convolution takes it, scaled and converted; in inference made once. */
    private static Tensor prepared(Tape tape, Tensor w, Tensor scale) {
        if (scale == null && tape.compute() == w.dtype()) {
            return w;
        }
        return tape.prepared(w, () -> {
            Tensor out = tape.empty(tape.compute(), w.shape());
            overRows(tape.device().kernel(WEIGHT_FWD.over(out.dtype())).ptr(w).ptr(scale).ptr(out), w.shape());
            return out;
        });
    }

    private static Tensor weightGradient(Tape tape, Tensor dw, Tensor scale, Shape shape) {
        if (scale == null && dw.dtype() == DType.F32) {
            return dw;
        }
        Tensor out = tape.empty(shape);
        overRows(tape.device().kernel(WEIGHT_BWD.over(dw.dtype())).ptr(dw).ptr(scale).ptr(out), shape);
        return out;
    }

    private static void overRows(Launch launch, Shape weight) {
        long rows = weight.size(0);
        launch.i64(rows).i64(rows == 0 ? 0 : weight.elements() / rows).overRows(rows);
    }
}
