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

class BmmSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("bmm");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("input", "mat2");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Bmm.apply(tape, in.get("input"), in.get("mat2")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array a = in.get("input");
        Array b = in.get("mat2");
        int m = a.size(1);
        int k = a.size(2);
        int n = b.size(2);
        Array y = Array.zeros(a.shape()[0], m, n);
        Arrays.setAll(y.values(), i -> {
            double sum = 0;
            for (int j = 0; j < k; j++) {
                sum += a.values()[i / n * k + j] * b.values()[(i / n / m * k + j) * n + i % n];
            }
            return sum;
        });
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 0, 2, 3, 4), sample(r, 1, 1, 1, 1), sample(r, 3, 7, 5, 3), sample(r, 19, 2, 3, 2), sample(r, 2, 3, 0, 4));
    }

    private static Sample sample(Random r, long batch, long m, long k, long n) {
        return Sample.of(batch + " x (" + m + ", " + k + ") (" + k + ", " + n + ")", "{}",
                "input", Array.normal(r, batch, m, k), "mat2", Array.normal(r, batch, k, n));
    }
}
