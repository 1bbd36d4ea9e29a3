package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;

class GeluSpec extends UnaryFunction {
    GeluSpec() {
        super("gelu", 8);
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    Variable run(Tape tape, Variable input) {
        return Gelu.apply(tape, input);
    }

    @Override
    double reference(double x) {
        return x * normalCdf(x);
    }

    /** Phi(x) by the series of Marsaglia (2004): 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...). */
    private static double normalCdf(double x) {
        double term = x;
        double sum = x;
        for (int k = 3; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) {
            term *= x * x / k;
            sum += term;
        }
        return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }
}
