package org.sparsercnn.op;

import java.util.Arrays;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.tensor.Tensor;

/**
 * Multi-head self-attention (Vaswani et al. 2017, section 3.2) as {@code torch.nn.MultiheadAttention} with query = key = value:
 * out_proj(softmax(q k^T / sqrt(d)) v), heads side by side along the channels. The products walk the projected tensor (B, N, 3E)
 * with strides, so heads are never copied apart.
 */
public final class Attention {
    /**
     * @param y (B, N, E)
     * @param weights (B, heads, N, N) after dropout; costs nothing where it is not used
     */
    public record Result(Variable y, Variable weights) {}

    private Attention() {}

    /**
     * @param x (B, N, E)
     * @param inWeight (3E, E): rows of the query, key and value projections
     * @param inBias (3E)
     * @param outWeight (E, E)
     * @param outBias (E)
     * @param heads divides E
     * @param dropout probability that an attention weight is 0 in training
     */
    public static Result apply(Tape tape, Variable x, Variable inWeight, Variable inBias, Variable outWeight, Variable outBias,
                               int heads, double dropout) {
        if (x.shape().rank() != 3 || x.shape().size(2) % heads != 0) {
            throw new IllegalArgumentException("attention with " + heads + " heads over " + x.value() + ", wanted (B, N, E)");
        }
        Variable qkv = Linear.apply(tape, x, inWeight, inBias, false);
        Heads h = new Heads(x.shape().size(0), x.shape().size(1), x.shape().size(2), heads);
        Variable weights = Dropout.apply(tape, h.weights(tape, qkv), dropout);
        return new Result(Linear.apply(tape, h.values(tape, weights, qkv), outWeight, outBias, false), weights);
    }

    /** Attention weights averaged over heads: (B, heads, N, N) to (B, N, N). */
    public static Variable mean(Tape tape, Variable weights) {
        Variable w = Permute.dense(tape, weights);
        long batch = w.shape().size(0);
        long heads = w.shape().size(1);
        long n = w.shape().size(2);
        float[] shares = new float[(int) heads];
        Arrays.fill(shares, 1f / heads);
        Tensor share = tape.scope().hold(Tensor.of(tape.device(), shares, heads));
        Tensor y = tape.empty(batch, n, n);
        tape.device().gemm(Gemm.dense(false, false, 1, n * n, heads, share, w.value(), y)
                .with(Gemm.Batch.of(batch, 0, heads * n * n, n * n)));
        return tape.record(y, new Variable[] {w}, new Tensor[] {share}, dy -> {
            Tensor dw = tape.empty(w.shape());
            tape.device().gemm(Gemm.dense(false, false, heads, n * n, 1, share, dy, dw)
                    .with(Gemm.Batch.of(batch, 0, n * n, heads * n * n)));
            return new Tensor[] {dw};
        });
    }

    /** The two products, batched over (image, head). */
    private record Heads(long batch, long n, long e, long heads) {
        long depth() {
            return e / heads;
        }

        float scale() {
            return (float) (1 / Math.sqrt(depth()));
        }

        // Strides of (image, head): in the projections (B, N, 3E), the weights (B, heads, N, N) and the values (B, N, E).
        private long projected() {
            return n * 3 * e;
        }

        private long image() {
            return heads * n * n;
        }

        private Tensor query(Tensor qkv) {
            return qkv.narrow(2, 0, e);
        }

        private Tensor key(Tensor qkv) {
            return qkv.narrow(2, e, e);
        }

        private Tensor value(Tensor qkv) {
            return qkv.narrow(2, 2 * e, e);
        }

        /** softmax(q k^T / sqrt(d)): (B, heads, N, N). */
        Variable weights(Tape tape, Variable qkv) {
            Tensor in = qkv.value();
            Tensor w = tape.empty(batch, heads, n, n);
            tape.device().gemm(Gemm.dense(false, true, n, n, depth(), query(in), key(in), w).leading(3 * e, 3 * e, n).scaled(scale())
                    .with(new Gemm.Batch(batch, heads, projected(), depth(), projected(), depth(), image(), n * n)));
            Softmax.forward(tape, w, w);
            return tape.record(w, new Variable[] {qkv}, new Tensor[] {in, w}, dw -> {
                Tensor ds = tape.empty(w.shape());
                Softmax.backward(tape, dw, w, ds);
                Tensor grad = tape.zeros(qkv.shape());
                var strides = new Gemm.Batch(batch, heads, image(), n * n, projected(), depth(), projected(), depth());
                tape.device().gemm(Gemm.dense(false, false, n, depth(), n, ds, key(in), query(grad))
                        .leading(n, 3 * e, 3 * e).scaled(scale()).with(strides));
                tape.device().gemm(Gemm.dense(true, false, n, depth(), n, ds, query(in), key(grad))
                        .leading(n, 3 * e, 3 * e).scaled(scale()).with(strides));
                return new Tensor[] {grad};
            });
        }

        /** weights v: (B, N, E). */
        Variable values(Tape tape, Variable weights, Variable qkv) {
            Tensor w = weights.value();
            Tensor in = qkv.value();
            Tensor y = tape.empty(batch, n, e);
            tape.device().gemm(Gemm.dense(false, false, n, depth(), n, w, value(in), y).leading(n, 3 * e, e)
                    .with(new Gemm.Batch(batch, heads, image(), n * n, projected(), depth(), n * e, depth())));
            return tape.record(y, new Variable[] {weights, qkv}, new Tensor[] {w, in}, dy -> {
                Tensor dw = tape.empty(w.shape());
                tape.device().gemm(Gemm.dense(false, true, n, n, depth(), dy, value(in), dw).leading(e, 3 * e, n)
                        .with(new Gemm.Batch(batch, heads, n * e, depth(), projected(), depth(), image(), n * n)));
                Tensor grad = tape.zeros(qkv.shape());
                tape.device().gemm(Gemm.dense(true, false, n, depth(), n, w, dy, value(grad)).leading(n, e, 3 * e)
                        .with(new Gemm.Batch(batch, heads, image(), n * n, n * e, depth(), projected(), depth())));
                return new Tensor[] {dw, grad};
            });
        }
    }
}
