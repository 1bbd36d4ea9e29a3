package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class GiouLossSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("giou_loss_sum");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("src", "tgt");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Tensor source = in.containsKey("source") ? ints(tape, in.get("source")) : identity(tape, in.get("tgt").shape().size(0));
        Tensor numBoxes = tape.empty(1);
        numBoxes.set(new float[] {(float) attrs.get("num_boxes").asDouble()});
        return Map.of("y", GiouLoss.apply(tape, in.get("src"), source, in.get("tgt"), numBoxes, attrs.path("weight").asDouble(1)));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        double[] source = in.get("source").values();
        double sum = 0;
        for (int i = 0; i < source.length; i++) {
            sum += 1 - Boxes.giouXyxy(in.get("src").values(), (int) source[i], in.get("tgt").values(), i);
        }
        return Map.of("y", new Array(new double[] {attrs.get("weight").asDouble() * sum / attrs.get("num_boxes").asDouble()}));
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 6, 3, 0, 5), sample(r, 1, 0), sample(r, 5), sample(r, 0), sample(r, 40, 39, 2, 38, 3, 37, 4, 36, 5, 35));
    }

    private static Sample sample(Random r, int rows, double... source) {
        return Sample.of(source.length + " of " + rows, "{'weight': 2, 'num_boxes': 3}", "src", RandomBoxes.xyxy(r, rows),
                "source", new Array(source, source.length), "tgt", RandomBoxes.xyxy(r, source.length));
    }
}
