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

class ExpandSpec extends OpSpec {
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
    protected Set<String> fp32Inputs() {
        return Set.of("x");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Expand.apply(tape, in.get("x"), attrs.get("images").asLong()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        Array y = Array.zeros(attrs.get("images").asLong(), x.size(0), x.size(1));
        Arrays.setAll(y.values(), i -> x.values()[i % x.values().length]);
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 2, 5, 7), sample(r, 1, 1, 1), sample(r, 3, 0, 4), sample(r, 0, 2, 4), sample(r, 4, 3, 70));
    }

    private static Sample sample(Random r, int images, int p, int c) {
        return Sample.of(images + " of " + p + "x" + c, "{'images': " + images + "}", "x", Array.normal(r, p, c));
    }
}
