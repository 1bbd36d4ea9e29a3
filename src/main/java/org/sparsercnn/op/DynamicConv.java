package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * A 1x1 convolution with weights of its own for every row: {@code y[r] = x[r] W[r]}, where W[r] is a stretch of row r of a
 * longer weight tensor, so that one linear layer can make the weights of several such convolutions.
 */
public final class DynamicConv {
    private DynamicConv() {}

    /**
     * @param in (R, P, I), F32 or BF16
     * @param weights (R, L), same type; row r holds W[r] (I, O) from element {@code offset} on
     * @return (R, P, O), same type
     */
    public static Variable apply(Tape tape, Variable in, Variable weights, long offset, long outputs) {
        Variable x = Permute.dense(tape, in);
        Variable w = Permute.dense(tape, weights);
        long rows = x.shape().size(0);
        long points = x.shape().size(1);
        long inputs = x.shape().size(2);
        DType type = x.value().dtype();
        if (offset + inputs * outputs > w.shape().size(1) || w.shape().size(0) != rows || w.value().dtype() != type) {
            throw new IllegalArgumentException("dynamic convolution: x " + x.value() + ", weights " + w.value() + " from " + offset);
        }
        Tensor y = tape.empty(type, Shape.of(rows, points, outputs));
        tape.device().gemm(Gemm.dense(false, false, points, outputs, inputs, x.value(), slice(w.value(), offset, inputs * outputs), y)
                .with(Gemm.Batch.of(rows, points * inputs, w.shape().size(1), points * outputs)).with(type, type));
        return record(tape, x, w, offset, y);
    }

    /** The stretch of all rows as a view, of which only address and row stride are used. */
    private static Tensor slice(Tensor w, long offset, long count) {
        return w.narrow(1, offset, count);
    }

    /** Records {@code y}, computed from dense {@code x} and {@code w} by whatever means. */
    static Variable record(Tape tape, Variable x, Variable w, long offset, Tensor y) {
        long rows = x.shape().size(0);
        long points = x.shape().size(1);
        long inputs = x.shape().size(2);
        long outputs = y.size(2);
        long row = w.shape().size(1);
        DType type = y.dtype();
        return tape.record(y, new Variable[] {x, w}, new Tensor[] {x.value(), w.value()}, dy -> {
            Tensor[] grads = new Tensor[2];
            if (x.requiresGrad()) {
                grads[0] = tape.empty(type, x.shape());
                tape.device().gemm(Gemm.dense(false, true, points, inputs, outputs, dy, slice(w.value(), offset, inputs * outputs), grads[0])
                        .with(Gemm.Batch.of(rows, points * outputs, row, points * inputs)).with(type, type));
            }
            if (w.requiresGrad()) {
                // Convolutions with weights from the same tensor: the first makes its gradient, the others add their stretch to it.
                boolean begun = w.grad() != null && w.grad().isHeldOnce();
                Tensor grad = begun ? w.grad() : zeros(tape, w);
                Gemm product = Gemm.dense(true, false, inputs, outputs, points, x.value(), dy, slice(grad, offset, inputs * outputs))
                        .with(Gemm.Batch.of(rows, points * inputs, points * outputs, row)).with(type, type);
                tape.device().gemm(begun ? product.accumulating() : product);
                grads[1] = begun ? null : grad;
            }
            return grads;
        });
    }

    private static Tensor zeros(Tape tape, Variable w) {
        Tensor grad = tape.empty(w.value().dtype(), w.shape());
        grad.zero();
        return grad;
    }
}
