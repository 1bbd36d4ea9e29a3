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

class LossSumSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", LossSum.apply(tape, in.get("x"), in.containsKey("divisor") ? in.get("divisor").value() : null,
                attrs.get("weight").asDouble()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        double divisor = in.containsKey("divisor") ? in.get("divisor").values()[0] : 1;
        double[] x = in.get("x").values();
        return Map.of("y", new Array(new double[] {x.length == 0 ? 0 : Arrays.stream(x).sum() / divisor * attrs.get("weight").asDouble()}));
    }

    @Override
    protected List<Sample> samples(Random r) {
        Array zero = Array.zeros(1);
        return List.of(Sample.of("divided", "{'weight': 2}", "x", Array.normal(r, 7, 3), "divisor", Array.uniform(r, 2, 5, 1)),
                Sample.of("one", "{'weight': 0.5}", "x", Array.normal(r, 1)),
                Sample.of("many", "{'weight': 1}", "x", Array.normal(r, 3001)),
                Sample.of("empty over zero", "{'weight': 3}", "x", Array.normal(r, 0), "divisor", zero));
    }
}
