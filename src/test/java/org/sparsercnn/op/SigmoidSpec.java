package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;

class SigmoidSpec extends UnaryFunction {
    SigmoidSpec() {
        super("sigmoid", 100);
    }

    @Override
    Variable run(Tape tape, Variable input) {
        return Sigmoid.apply(tape, input);
    }

    @Override
    double reference(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
