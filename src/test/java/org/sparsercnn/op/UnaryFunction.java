package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

/** The spec of an op that applies one function to every element of {@code input}. */
abstract class UnaryFunction extends OpSpec {
    private final String name;
    private final double widest;

    /**
     * @param name in the recorded numbers
     * @param widest inputs reach from minus to plus this in one sample more; 0: no such sample
     */
    UnaryFunction(String name, double widest) {
        this.name = name;
        this.widest = widest;
    }

    abstract Variable run(Tape tape, Variable input);

    abstract double reference(double x);

    @Override
    protected final Set<String> goldenOps() {
        return Set.of(name);
    }

    @Override
    protected final Set<String> differentiable() {
        return Set.of("input");
    }

    @Override
    protected final Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", run(tape, in.get("input")));
    }

    @Override
    protected final Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array y = in.get("input").copy();
        Arrays.setAll(y.values(), i -> reference(y.values()[i]));
        return Map.of("y", y);
    }

    @Override
    protected final List<Sample> samples(Random r) {
        List<Sample> samples = new ArrayList<>(List.of(
                Sample.of("empty", "{}", "input", Array.zeros(0, 3)),
                Sample.of("one", "{}", "input", Array.normal(r, 1)),
                Sample.of("odd", "{}", "input", Array.normal(r, 3, 5, 7))));
        if (widest > 0) {
            samples.add(Sample.of("wide", "{}", "input", Array.uniform(r, -widest, widest, 301)));
        }
        return samples;
    }
}
