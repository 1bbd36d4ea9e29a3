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

class LinearSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("linear");
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
        Variable bias = in.containsKey("b") ? Permute.dense(tape, in.get("b")) : null;
        return Map.of("y", Linear.apply(tape, in.get("x"), Permute.dense(tape, in.get("w")), bias, attrs.path("relu").asBoolean()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array y = linear(in.get("x"), in.get("w"), in.get("b"));
        if (attrs.path("relu").asBoolean()) {
            Arrays.setAll(y.values(), i -> Math.max(y.values()[i], 0));
        }
        return Map.of("y", y);
    }

    /** x (…, I), w (O, I), b (O) or null to (…, O). */
    static Array linear(Array x, Array w, Array b) {
        int inputs = w.size(1);
        int outputs = w.size(0);
        long[] shape = x.shape().clone();
        shape[shape.length - 1] = outputs;
        Array y = Array.zeros(shape);
        Arrays.setAll(y.values(), i -> {
            double sum = b == null ? 0 : b.values()[i % outputs];
            for (int k = 0; k < inputs; k++) {
                sum += x.values()[i / outputs * inputs + k] * w.values()[i % outputs * inputs + k];
            }
            return sum;
        });
        return y;
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 3, 2, "", 0), sample(r, 1, 1, "'relu': true", 1), sample(r, 5, 3, "", 2, 3),
                sample(r, 3, 17, "'relu': true", 7, 1), sample(r, 2, 1, "", 200), sample(r, 2100, 3, "", 2),
                Sample.of("no bias", "{'relu': true}", "x", Array.normal(r, 4, 5), "w", Array.normal(r, 3, 5)));
    }

    private static Sample sample(Random r, long inputs, long outputs, String attrs, long... rows) {
        long[] shape = Arrays.copyOf(rows, rows.length + 1);
        shape[rows.length] = inputs;
        return Sample.of(Arrays.toString(shape) + " to " + outputs + attrs, "{" + attrs + "}", "x", Array.normal(r, shape),
                "w", Array.normal(r, outputs, inputs), "b", Array.normal(r, outputs));
    }
}
