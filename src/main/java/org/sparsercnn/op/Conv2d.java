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
    private static final Kernel WEIGHT_FWD = Kernel.of("conv2d_weight_fwd_f32", "w scale out rows taps ci channels");
    private static final Kernel WEIGHT_BWD = Kernel.of("conv2d_weight_bwd_f32", "dout scale dw rows taps ci channels");
    private static final Kernel PAD = Kernel.of("conv2d_pad_f32", "x y lines width ci channels");
    /** Input channels of a convolution in bf16 come in multiples of this: 16 bytes, which tensor cores load at a time. */
    private static final long TENSOR_CORE_CHANNELS = 8;

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
        long ci = x.shape().size(3);
        if (weight.shape().size(3) != ci) {
            throw new IllegalArgumentException("conv2d: input " + x.value() + ", weight " + weight.value());
        }
        long channels = type == DType.BF16 ? Math.ceilDiv(ci, TENSOR_CORE_CHANNELS) * TENSOR_CORE_CHANNELS : ci;
        Tensor from = channels == ci ? x.value() : padded(tape, x.value(), channels);
        Tensor w = prepared(tape, weight.value(), after.scale, channels);
        var s = new Convolution(x.shape().size(0), x.shape().size(1), x.shape().size(2), channels,
                weight.shape().size(0), weight.shape().size(1), weight.shape().size(2), stride, pad, type);
        Tensor y = tape.empty(type, Shape.of(s.n(), s.oh(), s.ow(), s.co()));
        Tensor bias = after.bias == null ? null : Cast.weight(tape, after.bias.value());
        Variable residual = after.residual == null ? null : Cast.factor(tape, after.residual);
        tape.device().convolution(s, from, w, new Epilogue(bias, residual == null ? null : residual.value(), after.relu), y);

        // Absent inputs stand as constants, so that positions are fixed.
        Variable none = Variable.constant(y);
        Variable[] parents = {x, weight, after.bias == null ? none : after.bias, residual == null ? none : residual};
        List<Tensor> kept = new ArrayList<>(List.of(from, w));
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
                Tensor dx = tape.empty(type, from.shape());
                tape.device().convolutionBackwardData(s, dy, w, dx);
                grads[0] = channels == ci ? dx : Permute.copy(tape, dx.narrow(3, 0, ci));
            }
            if (weight.requiresGrad()) {
                Tensor dw = tape.empty(type, w.shape());
                tape.device().convolutionBackwardWeight(s, from, dy, dw);
                grads[1] = weightGradient(tape, dw, after.scale, weight.shape());
            }
            if (parents[2].requiresGrad()) {
                grads[2] = ColumnSum.apply(tape, dy, s.n() * s.oh() * s.ow(), s.co());
            }
            grads[3] = parents[3].requiresGrad() ? dy : null;
            return grads;
        });
    }

    private static Tensor padded(Tape tape, Tensor x, long channels) {
        Tensor y = tape.empty(x.dtype(), x.shape().withLast(channels));
        long lines = x.size(0) * x.size(1);
        tape.device().kernel(PAD.over(x.dtype())).ptr(x).ptr(y).i64(lines).i64(x.size(2)).i64(x.size(3)).i64(channels).overRows(lines);
        return y;
    }

    /** The weight as the convolution takes it, (Co, KH, KW, channels): scaled, converted, filled up; in inference made once. */
    private static Tensor prepared(Tape tape, Tensor w, Tensor scale, long channels) {
        if (scale == null && tape.compute() == w.dtype()) {
            return w;
        }
        return tape.prepared(w, () -> {
            Tensor out = tape.empty(tape.compute(), w.shape().withLast(channels));
            overRows(tape.device().kernel(WEIGHT_FWD.over(out.dtype())).ptr(w).ptr(scale).ptr(out), w.shape(), channels);
            return out;
        });
    }

    private static Tensor weightGradient(Tape tape, Tensor dw, Tensor scale, Shape shape) {
        if (scale == null && dw.dtype() == DType.F32) {
            return dw;
        }
        Tensor out = tape.empty(shape);
        overRows(tape.device().kernel(WEIGHT_BWD.over(dw.dtype())).ptr(dw).ptr(scale).ptr(out), shape, dw.size(3));
        return out;
    }

    private static void overRows(Launch launch, Shape weight, long channels) {
        launch.i64(weight.size(0)).i64(weight.size(1) * weight.size(2)).i64(weight.size(3)).i64(channels).overRows(weight.size(0));
    }
}
