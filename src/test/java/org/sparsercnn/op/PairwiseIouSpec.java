package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.testing.Array;

class PairwiseIouSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("box_iou");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("b1", "b2");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        PairwiseIou.Overlap o = PairwiseIou.apply(tape, in.get("b1"), in.get("b2"));
        return Map.of("iou", o.iou(), "union", o.union());
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        double[] a = in.get("b1").values();
        double[] b = in.get("b2").values();
        int m = b.length / 4;
        Array iou = Array.zeros(a.length / 4, m);
        Array union = Array.zeros(a.length / 4, m);
        for (int i = 0; i < iou.values().length; i++) {
            double areas = Boxes.areaXyxy(a, i / m) + Boxes.areaXyxy(b, i % m);
            iou.values()[i] = Boxes.iouXyxy(a, i / m, b, i % m);
            union.values()[i] = areas / (1 + iou.values()[i]);
        }
        return Map.of("iou", iou, "union", union);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 5, 7), sample(r, 1, 1), sample(r, 0, 3), sample(r, 3, 0), sample(r, 2, 35));
    }

    private static Sample sample(Random r, int n, int m) {
        return Sample.of(n + "x" + m, "{}", "b1", RandomBoxes.xyxy(r, n), "b2", RandomBoxes.xyxy(r, m));
    }
}
