package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

class CdistL1Spec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("cdist_l1");
    }

    /** The recorded case without columns has no tensors; the sample below covers it. */
    @Override
    protected boolean skipGolden(String caseName) {
        return caseName.equals("cdist_l1_m0");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("a", "b");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", CdistL1.apply(tape, in.get("a"), in.get("b")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        int m = in.get("b").size(0);
        int d = in.get("b").size(1);
        Array y = Array.zeros(in.get("a").size(0), m);
        for (int i = 0; i < y.values().length; i++) {
            for (int k = 0; k < d; k++) {
                y.values()[i] += Math.abs(in.get("a").values()[i / m * d + k] - in.get("b").values()[i % m * d + k]);
            }
        }
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 5, 7, 4), sample(r, 1, 1, 1), sample(r, 5, 0, 4), sample(r, 0, 5, 4), sample(r, 3, 35, 5));
    }

    private static Sample sample(Random r, int n, int m, int d) {
        return Sample.of(n + "x" + m + " of " + d, "{}", "a", Array.normal(r, n, d), "b", Array.normal(r, m, d));
    }
}
