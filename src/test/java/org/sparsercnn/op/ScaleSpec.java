package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

class ScaleSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Scale.apply(tape, in.get("x"), attrs.get("factor").asDouble()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array y = in.get("x").copy();
        for (int i = 0; i < y.values().length; i++) {
            y.values()[i] *= attrs.get("factor").asDouble();
        }
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(Sample.of("5x3", "{'factor': 0.5}", "x", Array.normal(r, 5, 3)),
                Sample.of("1", "{'factor': -3}", "x", Array.normal(r, 1)), Sample.of("0x4", "{'factor': 2}", "x", Array.normal(r, 0, 4)));
    }
}
