package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class L1LossSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("l1_loss_sum");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("a", "b");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        boolean recorded = !in.containsKey("source");
        Tensor source = recorded ? identity(tape, in.get("b").shape().size(0)) : ints(tape, in.get("source"));
        Tensor scale = recorded ? tape.empty(in.get("b").shape()) : Permute.dense(tape, in.get("scale")).value();
        if (recorded) {
            scale.set(ones((int) scale.elements()));
        }
        return Map.of("y", L1Loss.apply(tape, in.get("a"), source, in.get("b"), scale, recorded ? null : in.get("num").value(),
                attrs.path("weight").asDouble(1)));
    }

    private static float[] ones(int n) {
        float[] ones = new float[n];
        Arrays.fill(ones, 1);
        return ones;
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        double sum = 0;
        for (int i = 0; i < in.get("b").values().length; i++) {
            int from = 4 * (int) in.get("source").values()[i / 4] + i % 4;
            sum += Math.abs(in.get("a").values()[from] - in.get("b").values()[i]) / in.get("scale").values()[i];
        }
        return Map.of("y", new Array(new double[] {attrs.get("weight").asDouble() * sum / in.get("num").values()[0]}));
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 6, 3, 0, 5), sample(r, 1, 0), sample(r, 5), sample(r, 0), sample(r, 40, 39, 2, 38, 3, 37, 4, 36, 5, 35));
    }

    private static Sample sample(Random r, int rows, double... source) {
        return Sample.of(source.length + " of " + rows, "{'weight': 5}", "a", Array.normal(r, rows, 4),
                "source", new Array(source, source.length), "b", Array.normal(r, source.length, 4),
                "scale", Array.uniform(r, 1, 3, source.length, 4), "num", Array.uniform(r, 1, 4, 1));
    }
}
