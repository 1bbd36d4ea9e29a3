package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** y = x W^T + b, optionally with ReLU in the product's epilogue. */
public final class Linear {
    private Linear() {}

    /**
     * @param in (…, I)
     * @param weight (O, I)
     * @param bias (O), or null
     * @return (…, O)
     */
    public static Variable apply(Tape tape, Variable in, Variable weight, Variable bias, boolean relu) {
        Variable x = Permute.dense(tape, in);
        long inputs = x.shape().size(-1);
        long outputs = weight.shape().size(0);
        long rows = x.shape().rows();
        Shape out = x.shape().withLast(outputs);
        Tensor y = tape.empty(out);
        tape.device().gemm(Gemm.dense(false, true, rows, outputs, inputs, x.value(), weight.value(), y)
                .with(new Epilogue(bias == null ? null : bias.value(), null, relu)));
        Variable[] parents = bias == null ? new Variable[] {x, weight} : new Variable[] {x, weight, bias};
        Tensor[] kept = relu ? new Tensor[] {x.value(), y} : new Tensor[] {x.value()};
        return tape.record(y, parents, kept, incoming -> {
            Tensor dy = relu ? Relu.backward(tape, incoming, y) : incoming;
            Tensor[] grads = new Tensor[parents.length];
            if (x.requiresGrad()) {
                grads[0] = tape.empty(x.shape());
                tape.device().gemm(Gemm.dense(false, false, rows, inputs, outputs, dy, weight.value(), grads[0]));
            }
            if (weight.requiresGrad()) {
                grads[1] = tape.empty(weight.shape());
                tape.device().gemm(Gemm.dense(true, false, outputs, inputs, rows, dy, x.value(), grads[1]));
            }
            if (bias != null && bias.requiresGrad()) {
                grads[2] = ColumnSum.apply(tape, dy, rows, outputs);
            }
            return grads;
        });
    }
}
