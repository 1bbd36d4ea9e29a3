package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

class DynamicConvSpec extends OpSpec {
    /** The recorded case is {@link DynamicInteractionSpec}'s. */
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "w");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", DynamicConv.apply(tape, in.get("x"), in.get("w"), attrs.get("offset").asLong(), attrs.get("outputs").asLong()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        return Map.of("y", product(in.get("x"), in.get("w"), attrs.get("offset").asInt(), attrs.get("outputs").asInt()));
    }

    static Array product(Array x, Array weights, int offset, int outputs) {
        int points = x.size(1);
        int inputs = x.size(2);
        double[] w = weights.values();
        Array y = Array.zeros(x.size(0), points, outputs);
        for (int i = 0; i < y.values().length; i++) {
            int point = i / outputs; // over all rows
            int from = point / points * weights.size(1) + offset + i % outputs;
            for (int k = 0; k < inputs; k++) {
                y.values()[i] += x.values()[point * inputs + k] * w[from + k * outputs];
            }
        }
        return y;
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 3, 4, 5, 2, 3), sample(r, 1, 1, 1, 1, 0), sample(r, 2, 9, 3, 7, 11), sample(r, 0, 4, 5, 2, 0));
    }

    /** With {@code offset} weights before those that count, and two after. */
    private static Sample sample(Random r, int rows, int points, int inputs, int outputs, int offset) {
        String name = "(%d, %d, %d) to %d, from %d".formatted(rows, points, inputs, outputs, offset);
        return Sample.of(name, "{'offset': %d, 'outputs': %d}".formatted(offset, outputs),
                "x", Array.normal(r, rows, points, inputs), "w", Array.normal(r, rows, offset + inputs * outputs + 2));
    }
}
