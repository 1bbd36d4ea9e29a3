package org.sparsercnn.nn;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.op.Attention;

/** Multi-head self-attention under the names of {@code torch.nn.MultiheadAttention}. */
public final class SelfAttention {
    private final Parameter inWeight;
    private final Parameter inBias;
    private final Parameter outWeight;
    private final Parameter outBias;
    private final int heads;
    private final double dropout;

    public SelfAttention(Parameters.Path path, long size, int heads, double dropout) {
        this.inWeight = path.weight("in_proj_weight", 3 * size, size);
        this.inBias = path.weight("in_proj_bias", 3 * size);
        this.outWeight = path.at("out_proj").weight("weight", size, size);
        this.outBias = path.at("out_proj").weight("bias", size);
        this.heads = heads;
        this.dropout = dropout;
    }

    /** x (B, N, E) to (B, N, E). */
    public Variable apply(Tape tape, Variable x) {
        return Attention.apply(tape, x, inWeight.variable(), inBias.variable(), outWeight.variable(), outBias.variable(), heads, dropout);
    }

    /** The attention weights over the same x, averaged over heads and without dropout: (B, N, N), rows sum to 1, F32. */
    public Variable weights(Tape tape, Variable x) {
        return Attention.mean(tape, Attention.withWeights(tape, x, inWeight.variable(), inBias.variable(), outWeight.variable(),
                outBias.variable(), heads, 0).weights());
    }
}
