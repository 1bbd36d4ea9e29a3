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

class SigmoidSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("sigmoid");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("input");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Sigmoid.apply(tape, in.get("input")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array y = in.get("input").copy();
        Arrays.setAll(y.values(), i -> 1 / (1 + Math.exp(-y.values()[i])));
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                Sample.of("empty", "{}", "input", Array.zeros(0, 3)),
                Sample.of("one", "{}", "input", Array.normal(r, 1)),
                Sample.of("odd", "{}", "input", Array.normal(r, 3, 5, 7)),
                Sample.of("wide", "{}", "input", Array.uniform(r, -100, 100, 301)));
    }
}
