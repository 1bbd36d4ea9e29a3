package org.sparsercnn.op;

import java.util.Arrays;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Multi-head self-attention (Vaswani et al. 2017, section 3.2) as {@code torch.nn.MultiheadAttention} with query = key = value:
 * out_proj(softmax(q k^T / sqrt(d)) v), heads side by side along the channels. The products walk the projected tensor (B, N, 3E)
 * with strides, so heads are never copied apart. In bf16 one kernel does what lies between the projections where the device has it.
 */
public final class Attention {
    private static final Kernel FWD = Kernel.of("attention_fwd_bf16", "qkv y lse n heads depth scale seed counter threshold kept");
    private static final String BACKWARD = "qkv y dy lse delta dqkv n heads depth scale seed counter threshold kept";
    private static final Kernel BWD_QUERIES = Kernel.of("attention_bwd_queries_bf16", BACKWARD);
    private static final Kernel BWD_KEYS = Kernel.of("attention_bwd_keys_bf16", BACKWARD);
    // As the kernels have them.
    private static final int THREADS = 128;
    private static final int TILE = 64;
    private static final int MAX_DEPTH = 64;

    /**
     * @param y (B, N, E)
     * @param weights (B, heads, N, N) after dropout
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
     * @return (B, N, E)
     */
    public static Variable apply(Tape tape, Variable x, Variable inWeight, Variable inBias, Variable outWeight, Variable outBias,
                                 int heads, double dropout) {
        Variable qkv = project(tape, x, inWeight, inBias, heads);
        return Linear.apply(tape, values(tape, qkv, heads, dropout), outWeight, outBias, false);
    }

    /** The same with the attention weights, for those who look at them. */
    public static Result withWeights(Tape tape, Variable x, Variable inWeight, Variable inBias, Variable outWeight, Variable outBias,
                               int heads, double dropout) {
        Variable qkv = project(tape, x, inWeight, inBias, heads);
        Heads h = new Heads(qkv, heads);
        Variable weights = Dropout.apply(tape, h.weights(tape, qkv), dropout);
        return new Result(Linear.apply(tape, h.values(tape, weights, qkv), outWeight, outBias, false), weights);
    }

    private static Variable project(Tape tape, Variable x, Variable inWeight, Variable inBias, int heads) {
        if (x.shape().rank() != 3 || x.shape().size(2) % heads != 0) {
            throw new IllegalArgumentException("attention with " + heads + " heads over " + x.value() + ", wanted (B, N, E)");
        }
        return Linear.apply(tape, x, inWeight, inBias, false);
    }

    /** What lies between the projections: dense (B, N, 3E) to (B, N, E). */
    static Variable values(Tape tape, Variable qkv, int heads, double dropout) {
        Heads h = new Heads(qkv, heads);
        if (qkv.value().dtype() == DType.BF16 && h.depth() % 16 == 0 && h.depth() <= MAX_DEPTH && hasKernels(tape)) {
            return h.fused(tape, qkv, dropout);
        }
        return h.values(tape, Dropout.apply(tape, h.weights(tape, qkv), dropout), qkv);
    }

    private static boolean hasKernels(Tape tape) {
        return tape.device().has(FWD) && (!tape.training() || tape.device().has(BWD_QUERIES) && tape.device().has(BWD_KEYS));
    }

    /** Attention weights averaged over heads: (B, heads, N, N) to (B, N, N), F32. */
    public static Variable mean(Tape tape, Variable weights) {
        Variable w = Permute.dense(tape, Cast.toF32(tape, weights));
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
        Heads(Variable qkv, int heads) {
            this(qkv.shape().size(0), qkv.shape().size(1), qkv.shape().size(2) / 3, heads);
        }

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
            DType type = in.dtype();
            Tensor w = tape.empty(type, Shape.of(batch, heads, n, n));
            tape.device().gemm(Gemm.dense(false, true, n, n, depth(), query(in), key(in), w).leading(3 * e, 3 * e, n).scaled(scale())
                    .with(new Gemm.Batch(batch, heads, projected(), depth(), projected(), depth(), image(), n * n)).with(type, type));
            Softmax.forward(tape, w, w);
            return tape.record(w, new Variable[] {qkv}, new Tensor[] {in, w}, dw -> {
                Tensor ds = tape.empty(type, w.shape());
                Softmax.backward(tape, dw, w, ds);
                Tensor grad = zeros(tape, in);
                var strides = new Gemm.Batch(batch, heads, image(), n * n, projected(), depth(), projected(), depth());
                tape.device().gemm(Gemm.dense(false, false, n, depth(), n, ds, key(in), query(grad))
                        .leading(n, 3 * e, 3 * e).scaled(scale()).with(strides).with(type, type));
                tape.device().gemm(Gemm.dense(true, false, n, depth(), n, ds, query(in), key(grad))
                        .leading(n, 3 * e, 3 * e).scaled(scale()).with(strides).with(type, type));
                return new Tensor[] {grad};
            });
        }

        /** weights v: (B, N, E). */
        Variable values(Tape tape, Variable weights, Variable qkv) {
            Tensor w = weights.value();
            Tensor in = qkv.value();
            DType type = in.dtype();
            Tensor y = tape.empty(type, Shape.of(batch, n, e));
            tape.device().gemm(Gemm.dense(false, false, n, depth(), n, w, value(in), y).leading(n, 3 * e, e)
                    .with(new Gemm.Batch(batch, heads, image(), n * n, projected(), depth(), n * e, depth())).with(type, type));
            return tape.record(y, new Variable[] {weights, qkv}, new Tensor[] {w, in}, dy -> {
                Tensor dw = tape.empty(type, w.shape());
                tape.device().gemm(Gemm.dense(false, true, n, n, depth(), dy, value(in), dw).leading(e, 3 * e, n)
                        .with(new Gemm.Batch(batch, heads, n * e, depth(), projected(), depth(), image(), n * n)).with(type, type));
                Tensor grad = zeros(tape, in);
                tape.device().gemm(Gemm.dense(true, false, n, depth(), n, w, dy, value(grad)).leading(n, e, 3 * e)
                        .with(new Gemm.Batch(batch, heads, image(), n * n, n * e, depth(), projected(), depth())).with(type, type));
                return new Tensor[] {dw, grad};
            });
        }

        private static Tensor zeros(Tape tape, Tensor like) {
            Tensor zeros = tape.empty(like.dtype(), like.shape());
            zeros.zero();
            return zeros;
        }

        /** Both at once. Kept are the projections, the result and a number for each row of weights, from which backward makes them anew. */
        Variable fused(Tape tape, Variable qkv, double dropout) {
            Dropout.Mask mask = Dropout.Mask.draw(tape, dropout, batch * heads * n * n);
            Tensor in = qkv.value();
            Tensor y = tape.empty(DType.BF16, Shape.of(batch, n, e));
            Tensor lse = tape.training() && qkv.requiresGrad() ? tape.empty(batch, heads, n) : null;
            launch(tape.device().kernel(FWD).ptr(in).ptr(y).ptr(lse), mask, 5, 0);
            if (lse == null) {
                return Variable.constant(y);
            }
            return tape.record(y, new Variable[] {qkv}, new Tensor[] {in, y, lse}, dy -> {
                Tensor delta = tape.empty(lse.shape());
                Tensor grad = tape.empty(DType.BF16, in.shape());
                launch(tape.device().kernel(BWD_QUERIES).ptr(in).ptr(y).ptr(dy).ptr(lse).ptr(delta).ptr(grad), mask, 6, 0);
                launch(tape.device().kernel(BWD_KEYS).ptr(in).ptr(y).ptr(dy).ptr(lse).ptr(delta).ptr(grad), mask, 6, 4);
                return new Tensor[] {grad};
            });
        }

        /** With shared memory for so many tiles of 64 rows, 8 elements apart, and so many vectors of 64 floats. */
        private void launch(Launch launch, Dropout.Mask mask, int tiles, int vectors) {
            long sharedBytes = TILE * (tiles * 2 * (depth() + 8) + vectors * 4);
            launch.i64(n).i64(heads).i64(depth()).f64(scale())
                    .i64(mask.seed()).i64(mask.counter()).i64(mask.threshold()).f64(mask.scale())
                    .overBlocks(batch * heads * Math.ceilDiv(n, TILE), THREADS, Math.toIntExact(sharedBytes));
        }
    }
}
