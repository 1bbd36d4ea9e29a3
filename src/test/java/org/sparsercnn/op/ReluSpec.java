package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;

class ReluSpec extends UnaryFunction {
    ReluSpec() {
        super("relu", 0);
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    Variable run(Tape tape, Variable input) {
        return Relu.apply(tape, input);
    }

    @Override
    double reference(double x) {
        return Math.max(x, 0);
    }
}
