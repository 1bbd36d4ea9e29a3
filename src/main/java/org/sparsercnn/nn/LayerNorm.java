package org.sparsercnn.nn;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;

/** Layer normalisation of the last axis with {@code weight} and {@code bias}, eps 1e-5. */
public final class LayerNorm {
    public static final double EPS = 1e-5;

    private final Parameter weight;
    private final Parameter bias;

    public LayerNorm(Parameters.Path path, long size) {
        this.weight = path.weight("weight", size);
        this.bias = path.weight("bias", size);
    }

    public Variable weight() {
        return weight.variable();
    }

    public Variable bias() {
        return bias.variable();
    }

    public Variable apply(Tape tape, Variable x) {
        return apply(tape, x, false);
    }

    public Variable apply(Tape tape, Variable x, boolean relu) {
        return org.sparsercnn.op.LayerNorm.apply(tape, x, weight.variable(), bias.variable(), EPS, relu);
    }
}
