package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** Batched matrix product, as {@code torch.bmm}. */
public final class Bmm {
    private Bmm() {}

    /**
     * @param left (B, M, K)
     * @param right (B, K, N)
     * @return (B, M, N) in the type the tape computes in, as the inputs are converted to it
     */
    public static Variable apply(Tape tape, Variable left, Variable right) {
        DType type = tape.compute();
        Variable a = Cast.factor(tape, left);
        Variable b = Cast.factor(tape, right);
        long batch = a.shape().size(0);
        long m = a.shape().size(1);
        long k = a.shape().size(2);
        long n = b.shape().size(2);
        if (b.shape().size(0) != batch || b.shape().size(1) != k) {
            throw new IllegalArgumentException("bmm: " + a.value() + " and " + b.value());
        }
        Tensor y = tape.empty(type, Shape.of(batch, m, n));
        tape.device().gemm(Gemm.dense(false, false, m, n, k, a.value(), b.value(), y)
                .with(Gemm.Batch.of(batch, m * k, k * n, m * n)).with(type, type));
        return tape.record(y, new Variable[] {a, b}, new Tensor[] {a.value(), b.value()}, dy -> {
            Tensor[] grads = new Tensor[2];
            if (a.requiresGrad()) {
                grads[0] = tape.empty(type, a.shape());
                tape.device().gemm(Gemm.dense(false, true, m, k, n, dy, b.value(), grads[0])
                        .with(Gemm.Batch.of(batch, m * n, k * n, m * k)).with(type, type));
            }
            if (b.requiresGrad()) {
                grads[1] = tape.empty(type, b.shape());
                tape.device().gemm(Gemm.dense(true, false, k, n, m, a.value(), dy, grads[1])
                        .with(Gemm.Batch.of(batch, m * k, m * n, k * n)).with(type, type));
            }
            return grads;
        });
    }
}
