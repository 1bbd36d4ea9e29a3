package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

class CrossEntropyLossSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("cross_entropy_weighted");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", CrossEntropyLoss.apply(tape, in.get("x"), ints(tape, in.get("t")), Permute.dense(tape, in.get("weight")).value(),
                attrs.path("factor").asDouble(1)));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        int classes = in.get("x").size(-1);
        double[] x = in.get("x").values();
        double sum = 0;
        double weights = 0;
        for (int row = 0; row < x.length / classes; row++) {
            int t = (int) in.get("t").values()[row];
            if (t >= 0 && t < classes) {
                double e = 0;
                for (int k = 0; k < classes; k++) {
                    e += Math.exp(x[row * classes + k]);
                }
                weights += in.get("weight").values()[t];
                sum += in.get("weight").values()[t] * (Math.log(e) - x[row * classes + t]);
            }
        }
        return Map.of("y", new Array(new double[] {x.length == 0 ? 0 : attrs.get("factor").asDouble() * sum / weights}));
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 3, 0, 2, 1, 2, 2), sample(r, 1, 0), sample(r, 4), sample(r, 81, 80, 3, -100, 80), sample(r, 37, 36, 0));
    }

    private static Sample sample(Random r, int classes, double... target) {
        return Sample.of(target.length + " of " + classes, "{'factor': 2}", "x", Array.normal(r, target.length, classes),
                "t", new Array(target, target.length), "weight", Array.uniform(r, 0.1, 1, classes));
    }
}
