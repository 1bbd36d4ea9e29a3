package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * y = x W^T + b, optionally with ReLU in the product's epilogue. Input, weight and bias are converted to the type the tape computes
 * in; the gradients of weight and bias stay fp32.
 */
public final class Linear {
    private Linear() {}

    /**
     * @param in (…, I)
     * @param weight (O, I)
     * @param bias (O), or null
     * @return (…, O)
     */
    public static Variable apply(Tape tape, Variable in, Variable weight, Variable bias, boolean relu) {
        DType type = tape.compute();
        Variable x = Cast.factor(tape, in);
        Tensor w = Cast.weight(tape, weight.value());
        long inputs = x.shape().size(-1);
        long outputs = weight.shape().size(0);
        long rows = x.shape().rows();
        Shape out = x.shape().withLast(outputs);
        Tensor y = tape.empty(type, out);
        tape.device().gemm(Gemm.dense(false, true, rows, outputs, inputs, x.value(), w, y).with(type, type)
                .with(new Epilogue(bias == null ? null : Cast.weight(tape, bias.value()), null, relu)));
        Variable[] parents = bias == null ? new Variable[] {x, weight} : new Variable[] {x, weight, bias};
        Tensor[] kept = relu ? new Tensor[] {x.value(), w, y} : new Tensor[] {x.value(), w};
        return tape.record(y, parents, kept, incoming -> {
            Tensor dy = relu ? Relu.backward(tape, incoming, y) : incoming;
            Tensor[] grads = new Tensor[parents.length];
            if (x.requiresGrad()) {
                grads[0] = tape.empty(type, x.shape());
                tape.device().gemm(Gemm.dense(false, false, rows, inputs, outputs, dy, w, grads[0]).with(type, type));
            }
            if (weight.requiresGrad()) {
                grads[1] = tape.empty(weight.shape());
                tape.device().gemm(Gemm.dense(true, false, outputs, inputs, rows, dy, x.value(), grads[1]).with(type, DType.F32));
            }
            if (bias != null && bias.requiresGrad()) {
                grads[2] = ColumnSum.apply(tape, dy, rows, outputs);
            }
            return grads;
        });
    }
}
