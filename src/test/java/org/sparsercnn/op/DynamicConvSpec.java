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
    private static final double EPS = 1e-5;

    @Override
    protected Set<String> goldenOps() {
        return Set.of("dynamic_conv");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "w");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", in.containsKey("pro_features") ? interaction(tape, in, attrs)
                : DynamicConv.apply(tape, in.get("x"), in.get("w"), attrs.get("offset").asLong(), attrs.get("outputs").asLong()));
    }

    /** The recorded case is the published module whole: two of these convolutions, with what lies before, between and after them. */
    private static Variable interaction(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        long hidden = attrs.get("hidden").asLong();
        long inner = attrs.get("dim_dynamic").asLong();
        Variable rois = Permute.apply(tape, in.get("roi_features"), 1, 0, 2);
        long count = rois.shape().size(0);
        Variable weights = Linear.apply(tape, tape.reshape(in.get("pro_features"), count, hidden), in.get("dynamic_layer__weight"),
                in.get("dynamic_layer__bias"), false);
        Variable x = norm(tape, DynamicConv.apply(tape, rois, weights, 0, inner), in, "norm1");
        x = norm(tape, DynamicConv.apply(tape, x, weights, hidden * inner, hidden), in, "norm2");
        Variable flat = tape.reshape(x, count, rois.shape().size(1) * hidden);
        return norm(tape, Linear.apply(tape, flat, in.get("out_layer__weight"), in.get("out_layer__bias"), false), in, "norm3");
    }

    private static Variable norm(Tape tape, Variable x, Map<String, Variable> in, String name) {
        return LayerNorm.apply(tape, x, in.get(name + "__weight"), in.get(name + "__bias"), EPS, true);
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        int points = x.size(1);
        int inputs = x.size(2);
        int outputs = attrs.get("outputs").asInt();
        double[] w = in.get("w").values();
        Array y = Array.zeros(x.size(0), points, outputs);
        for (int i = 0; i < y.values().length; i++) {
            int point = i / outputs; // over all rows
            int weights = point / points * in.get("w").size(1) + attrs.get("offset").asInt() + i % outputs;
            for (int k = 0; k < inputs; k++) {
                y.values()[i] += x.values()[point * inputs + k] * w[weights + k * outputs];
            }
        }
        return Map.of("y", y);
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
