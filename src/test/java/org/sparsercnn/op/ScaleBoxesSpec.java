package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.testing.Array;

class ScaleBoxesSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", ScaleBoxes.apply(tape, in.get("x"), Permute.dense(tape, in.get("size")).value()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        double[] x = in.get("x").values();
        double[] size = in.get("size").values();
        Array y = Array.zeros(in.get("size").size(0), in.get("x").size(0), 4);
        for (int i = 0; i < y.values().length; i++) {
            int box = i % x.length / 4 * 4;
            int axis = i % 2;
            double side = (i % 4 < 2 ? -0.5 : 0.5) * x[box + 2 + axis];
            y.values()[i] = (x[box + axis] + side) * size[i / x.length * 4 + i % 4];
        }
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 2, 7), sample(r, 1, 1), sample(r, 3, 0), sample(r, 0, 3), sample(r, 5, 33));
    }

    private static Sample sample(Random r, long images, long boxes) {
        return Sample.of(images + " images, " + boxes + " boxes", "{}", "x", Array.uniform(r, 0, 1, boxes, 4),
                "size", Array.uniform(r, 1, 9, images, 4));
    }
}
