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

class FrozenBatchNormSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("frozen_batch_norm");
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
        return Set.of("weight", "bias", "running_mean", "running_var");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        var folded = FrozenBatchNorm.fold(tape, dense(tape, in, "weight"), dense(tape, in, "bias"), dense(tape, in, "running_mean"),
                dense(tape, in, "running_var"), attrs.get("eps").asDouble());
        Variable y = FrozenBatchNorm.apply(tape, Nhwc.in(tape, in.get("x"), attrs), folded, attrs.path("relu").asBoolean());
        return Map.of("y", Nhwc.out(tape, y, attrs));
    }

    private static Tensor dense(Tape tape, Map<String, Variable> in, String name) {
        return Permute.dense(tape, in.get(name)).value();
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array y = in.get("x").copy();
        Arrays.setAll(y.values(), i -> {
            int c = i % y.size(-1);
            double rstd = 1 / Math.sqrt(in.get("running_var").values()[c] + attrs.get("eps").asDouble());
            double v = (y.values()[i] - in.get("running_mean").values()[c]) * rstd * in.get("weight").values()[c]
                    + in.get("bias").values()[c];
            return attrs.path("relu").asBoolean() ? Math.max(v, 0) : v;
        });
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, false, 0, 2, 3, 4), sample(r, true, 1, 1, 1, 1), sample(r, false, 2, 3, 5, 7), sample(r, true, 2, 3, 5, 7),
                sample(r, true, 1, 20, 13, 2));
    }

    static Sample sample(Random r, boolean relu, long... shape) {
        long c = shape[3];
        return Sample.of(Arrays.toString(shape) + (relu ? " relu" : ""), "{'layout': 'NHWC', 'eps': 1e-5, 'relu': " + relu + "}",
                "x", Array.normal(r, shape), "weight", Array.normal(r, c), "bias", Array.normal(r, c), "running_mean", Array.normal(r, c),
                "running_var", Array.uniform(r, 0.1, 3, c));
    }
}
