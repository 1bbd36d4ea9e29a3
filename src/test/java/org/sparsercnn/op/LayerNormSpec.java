package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

class LayerNormSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("layer_norm");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "w", "b");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Set<String> fp32Inputs() {
        return Set.of("w", "b");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", LayerNorm.apply(tape, in.get("x"), Permute.dense(tape, in.get("w")), Permute.dense(tape, in.get("b")),
                attrs.get("eps").asDouble(), attrs.path("relu").asBoolean()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        int cols = x.size(-1);
        Array y = Array.zeros(x.shape());
        for (int at = 0; at < x.values().length; at += cols) {
            double mean = 0;
            double var = 0;
            for (int c = 0; c < cols; c++) {
                mean += x.values()[at + c] / cols;
            }
            for (int c = 0; c < cols; c++) {
                var += Math.pow(x.values()[at + c] - mean, 2) / cols;
            }
            for (int c = 0; c < cols; c++) {
                double v = (x.values()[at + c] - mean) / Math.sqrt(var + attrs.get("eps").asDouble()) * in.get("w").values()[c]
                        + in.get("b").values()[c];
                y.values()[at + c] = attrs.path("relu").asBoolean() ? Math.max(v, 0) : v;
            }
        }
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, false, 8, 3, 5), sample(r, true, 8, 3, 5), sample(r, true, 1, 7), sample(r, false, 0, 16), sample(r, true, 200, 3));
    }

    private static Sample sample(Random r, boolean relu, long... shape) {
        long cols = shape[shape.length - 1];
        return Sample.of(java.util.Arrays.toString(shape) + (relu ? " relu" : ""), "{'eps': 1e-5, 'relu': " + relu + "}",
                "x", Array.normal(r, shape), "w", Array.normal(r, cols), "b", Array.normal(r, cols));
    }
}
