package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class SigmoidFocalLossSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("sigmoid_focal");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable x = Permute.dense(tape, in.get("x"));
        Tensor target;
        if (attrs.path("op").isTextual()) { // the recorded targets may have several classes per row: a row per decision
            x = tape.reshape(x, x.value().elements(), 1);
            int[] classes = ints(tape, in.get("t")).toInts();
            target = tape.scope().empty(DType.I32, Shape.of(classes.length));
            target.set(Arrays.stream(classes).map(hit -> 1 - hit).toArray());
        } else {
            target = ints(tape, in.get("t"));
        }
        return Map.of("y", SigmoidFocalLoss.apply(tape, x, target, attrs.get("alpha").asDouble(), attrs.get("gamma").asDouble(),
                in.containsKey("num") ? in.get("num").value() : null, attrs.path("weight").asDouble(1)));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        double alpha = attrs.get("alpha").asDouble();
        int classes = in.get("x").size(-1);
        double sum = 0;
        for (int i = 0; i < in.get("x").values().length; i++) {
            boolean hit = in.get("t").values()[i / classes] == i % classes;
            double s = hit ? -in.get("x").values()[i] : in.get("x").values()[i];
            double softplus = Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s)));
            sum += (alpha < 0 ? 1 : hit ? alpha : 1 - alpha) * Math.pow(1 / (1 + Math.exp(-s)), attrs.get("gamma").asDouble()) * softplus;
        }
        return Map.of("y", new Array(new double[] {sum * attrs.get("weight").asDouble() / in.get("num").values()[0]}));
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 0.25, 2, 3, 0, 7, 3, 5, -1), sample(r, 0.25, 2, 1, 0), sample(r, -1, 0, 1, 1, 0), sample(r, 0.5, 1.5, 4),
                sample(r, 0.25, 2, 80, 79, 80, 3, 80), sample(r, 0.25, 0, 5, 5, 2));
    }

    private static Sample sample(Random r, double alpha, double gamma, int classes, double... target) {
        Array x = Array.normal(r, target.length, classes);
        for (int i = 0; i < x.values().length; i += 7) {
            x.values()[i] *= 30; // both tails
        }
        return Sample.of(target.length + " of " + classes + " alpha " + alpha + " gamma " + gamma,
                "{'alpha': " + alpha + ", 'gamma': " + gamma + ", 'weight': 2}", "x", x, "t", new Array(target, target.length),
                "num", Array.uniform(r, 1, 4, 1));
    }
}
