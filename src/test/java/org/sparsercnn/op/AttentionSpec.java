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

class AttentionSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("multihead_attention");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias");
    }

    /** Recorded inputs lie as (L, N, E), ours as (N, L, E). */
    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        boolean sequenceFirst = attrs.path("layout").asText().startsWith("(L");
        Variable x = sequenceFirst ? Permute.apply(tape, in.get("x"), 1, 0, 2) : in.get("x");
        Attention.Result r = Attention.apply(tape, x, dense(tape, in, "in_proj_weight"), dense(tape, in, "in_proj_bias"),
                dense(tape, in, "out_proj_weight"), dense(tape, in, "out_proj_bias"), attrs.get("heads").asInt(),
                attrs.path("dropout").asDouble());
        Variable y = sequenceFirst ? Permute.apply(tape, r.y(), 1, 0, 2) : r.y();
        return Map.of("y", y, "attn_mean", Attention.mean(tape, r.weights()));
    }

    private static Variable dense(Tape tape, Map<String, Variable> in, String name) {
        return Permute.dense(tape, in.get(name));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        Array qkv = LinearSpec.linear(x, in.get("in_proj_weight"), in.get("in_proj_bias"));
        int batch = x.size(0);
        int n = x.size(1);
        int e = x.size(2);
        int heads = attrs.get("heads").asInt();
        int depth = e / heads;
        Array scores = Array.zeros(batch, heads, n, n);
        Arrays.setAll(scores.values(), i -> {
            int query = (i / n / n / heads * n + i / n % n) * 3 * e + i / n / n % heads * depth;
            int key = (i / n / n / heads * n + i % n) * 3 * e + i / n / n % heads * depth + e;
            double sum = 0;
            for (int d = 0; d < depth; d++) {
                sum += qkv.values()[query + d] * qkv.values()[key + d];
            }
            return sum / Math.sqrt(depth);
        });
        Array weights = DropoutSpec.dropped(SoftmaxSpec.softmax(scores), attrs.path("dropout").asDouble(), 0);
        Array values = Array.zeros(x.shape());
        Arrays.setAll(values.values(), i -> {
            int head = i % e / depth;
            double sum = 0;
            for (int k = 0; k < n; k++) {
                sum += weights.values()[((i / e / n * heads + head) * n + i / e % n) * n + k]
                        * qkv.values()[(i / e / n * n + k) * 3 * e + 2 * e + i % e];
            }
            return sum;
        });
        Array mean = Array.zeros(batch, n, n);
        for (int i = 0; i < weights.values().length; i++) {
            mean.values()[i / n / n / heads * n * n + i % (n * n)] += weights.values()[i] / heads;
        }
        return Map.of("y", LinearSpec.linear(values, in.get("out_proj_weight"), in.get("out_proj_bias")), "attn_mean", mean);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 0, 0, 3, 4, 2), sample(r, 0, 1, 1, 2, 1), sample(r, 0, 2, 5, 6, 3), sample(r, 0, 1, 7, 6, 2),
                sample(r, 0.3, 2, 5, 6, 2));
    }

    private static Sample sample(Random r, double dropout, long batch, long n, long e, int heads) {
        return Sample.of("(" + batch + ", " + n + ", " + e + ") " + heads + " heads, dropout " + dropout,
                "{'heads': " + heads + ", 'dropout': " + dropout + "}", "x", Array.normal(r, batch, n, e),
                "in_proj_weight", Array.normal(r, 3 * e, e), "in_proj_bias", Array.normal(r, 3 * e),
                "out_proj_weight", Array.normal(r, e, e), "out_proj_bias", Array.normal(r, e));
    }
}
