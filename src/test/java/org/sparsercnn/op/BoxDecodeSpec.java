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

class BoxDecodeSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("apply_deltas");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("deltas", "boxes");
    }

    private static BoxDecode.Weights weights(JsonNode attrs) {
        JsonNode w = attrs.get("weights");
        return new BoxDecode.Weights(w.get(0).asDouble(), w.get(1).asDouble(), w.get(2).asDouble(), w.get(3).asDouble(),
                attrs.get("clamp").asDouble());
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Set<String> fp32Inputs() {
        return Set.of("boxes");
    }

    @Override
    protected Set<String> fp32Outputs() {
        return Set.of("y");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", BoxDecode.apply(tape, in.get("deltas"), in.get("boxes"), weights(attrs)));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        BoxDecode.Weights w = weights(attrs);
        double[] move = {w.x(), w.y()};
        double[] grow = {w.w(), w.h()};
        double[] d = in.get("deltas").values();
        double[] b = in.get("boxes").values();
        Array y = Array.zeros(in.get("boxes").shape());
        for (int i = 0; i < b.length; i += 4) {
            for (int axis = 0; axis < 2; axis++) {
                double side = b[i + 2 + axis] - b[i + axis];
                double centre = b[i + axis] + side / 2 + d[i + axis] / move[axis] * side;
                double grown = side * Math.exp(Math.min(d[i + 2 + axis] / grow[axis], w.clamp()));
                y.values()[i + axis] = centre - grown / 2;
                y.values()[i + 2 + axis] = centre + grown / 2;
            }
        }
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 0.3, 5, 4), sample(r, 8.7, 2, 3, 4), sample(r, 8.7, 1, 4), sample(r, 8.7, 0, 4), sample(r, 1, 37, 4));
    }

    private static Sample sample(Random r, double clamp, long... shape) {
        return Sample.of(Arrays.toString(shape) + " clamp " + clamp, "{'weights': [2, 2, 1, 1], 'clamp': " + clamp + "}",
                "deltas", Array.normal(r, shape), "boxes", Array.uniform(r, 0, 3, shape));
    }
}
