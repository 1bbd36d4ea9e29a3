package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

class GeluSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("gelu");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("input");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Gelu.apply(tape, in.get("input")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array y = in.get("input").copy();
        Arrays.setAll(y.values(), i -> y.values()[i] * normalCdf(y.values()[i]));
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                Sample.of("empty", "{}", "input", Array.zeros(0, 3)),
                Sample.of("one", "{}", "input", Array.normal(r, 1)),
                Sample.of("odd", "{}", "input", Array.normal(r, 3, 5, 7)),
                Sample.of("wide", "{}", "input", Array.uniform(r, -8, 8, 301)));
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
