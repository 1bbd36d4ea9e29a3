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

class BoxConvertSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("cxcywh_to_xyxy", "xyxy_to_cxcywh");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", toXyxy(attrs) ? BoxConvert.toXyxy(tape, in.get("x")) : BoxConvert.toCxcywh(tape, in.get("x")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array y = in.get("x").copy();
        double[] v = y.values();
        for (int i = 0; i < v.length; i += 4) {
            for (int k = i; k < i + 2; k++) {
                double a = v[k];
                double b = v[k + 2];
                v[k] = toXyxy(attrs) ? a - b / 2 : (a + b) / 2;
                v[k + 2] = toXyxy(attrs) ? a + b / 2 : b - a;
            }
        }
        return Map.of("y", y);
    }

    private static boolean toXyxy(JsonNode attrs) {
        return attrs.get("op").asText().equals("cxcywh_to_xyxy");
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, "cxcywh_to_xyxy", 3, 5, 4), sample(r, "xyxy_to_cxcywh", 1, 4), sample(r, "xyxy_to_cxcywh", 17, 4),
                sample(r, "cxcywh_to_xyxy", 0, 4), sample(r, "xyxy_to_cxcywh", 0, 4));
    }

    private static Sample sample(Random r, String op, long... shape) {
        return Sample.of(op + " " + Arrays.toString(shape), "{'op': '" + op + "'}", "x", Array.normal(r, shape));
    }
}
