package org.sparsercnn.nn;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;

/** A fully connected layer: {@code weight (outputs, inputs)} and, where asked for, {@code bias (outputs)}. */
public final class Linear {
    private final Parameter weight;
    private final Parameter bias;

    public Linear(Parameters.Path path, long inputs, long outputs, boolean bias) {
        this.weight = path.weight("weight", outputs, inputs);
        this.bias = bias ? path.weight("bias", outputs) : null;
    }

    /** x (…, inputs) to (…, outputs). */
    public Variable apply(Tape tape, Variable x) {
        return apply(tape, x, false);
    }

    public Variable apply(Tape tape, Variable x, boolean relu) {
        return org.sparsercnn.op.Linear.apply(tape, x, weight.variable(), bias == null ? null : bias.variable(), relu);
    }
}
