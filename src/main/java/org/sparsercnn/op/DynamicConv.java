package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.tensor.Tensor;

/**
 * A 1x1 convolution with weights of its own for every row: {@code y[r] = x[r] W[r]}, where W[r] is a stretch of row r of a
 * longer weight tensor, so that one linear layer can make the weights of several such convolutions.
 */
public final class DynamicConv {
    private DynamicConv() {}

    /**
     * @param in (R, P, I)
     * @param weights (R, L); row r holds W[r] (I, O) from element {@code offset} on
     * @return (R, P, O)
     */
    public static Variable apply(Tape tape, Variable in, Variable weights, long offset, long outputs) {
        Variable x = Permute.dense(tape, in);
        Variable w = Permute.dense(tape, weights);
        long rows = x.shape().size(0);
        long points = x.shape().size(1);
        long inputs = x.shape().size(2);
        long row = w.shape().size(1);
        if (offset + inputs * outputs > row || w.shape().size(0) != rows) {
            throw new IllegalArgumentException("dynamic convolution: x " + x.value() + ", weights " + w.value() + " from " + offset);
        }
        Tensor slice = w.value().narrow(1, offset, inputs * outputs); // only its address and row stride are used
        Tensor y = tape.empty(rows, points, outputs);
        tape.device().gemm(Gemm.dense(false, false, points, outputs, inputs, x.value(), slice, y)
                .with(Gemm.Batch.of(rows, points * inputs, row, points * outputs)));
        return tape.record(y, new Variable[] {x, w}, new Tensor[] {x.value(), w.value()}, dy -> {
            Tensor[] grads = new Tensor[2];
            if (x.requiresGrad()) {
                grads[0] = tape.empty(x.shape());
                tape.device().gemm(Gemm.dense(false, true, points, inputs, outputs, dy, slice, grads[0])
                        .with(Gemm.Batch.of(rows, points * outputs, row, points * inputs)));
            }
            if (w.requiresGrad()) {
                // Convolutions with weights from the same tensor: the first makes its gradient, the others add their stretch to it.
                boolean begun = w.grad() != null && w.grad().isHeldOnce();
                Tensor grad = begun ? w.grad() : tape.zeros(w.shape());
                Gemm product = Gemm.dense(true, false, inputs, outputs, points, x.value(), dy, grad.narrow(1, offset, inputs * outputs))
                        .with(Gemm.Batch.of(rows, points * inputs, points * outputs, row));
                tape.device().gemm(begun ? product.accumulating() : product);
                grads[1] = begun ? null : grad;
            }
            return grads;
        });
    }
}
