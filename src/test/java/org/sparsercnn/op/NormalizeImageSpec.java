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

class NormalizeImageSpec extends OpSpec {
    private static final double[] MEAN = {103.53, 116.28, 123.675};
    private static final double[] STD = {57.375, 57.12, 58.395};

    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of();
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable x = Permute.dense(tape, in.get("x"));
        Tensor image = tape.scope().empty(DType.U8, x.shape());
        byte[] bytes = new byte[(int) image.elements()];
        float[] values = x.value().toFloats();
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (int) values[i];
        }
        image.set(bytes);
        Tensor batch = tape.zeros(Shape.of(2, attrs.get("h").asLong(), attrs.get("w").asLong(), 3));
        NormalizeImage.into(image, batch, attrs.get("index").asLong(), MEAN, STD);
        return Map.of("y", Variable.constant(batch));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        int h = attrs.get("h").asInt();
        int w = attrs.get("w").asInt();
        Array y = Array.zeros(2, h, w, 3);
        for (int i = 0; i < x.values().length; i++) {
            int row = i / (3 * x.size(1));
            int at = (attrs.get("index").asInt() * h + row) * w * 3 + i % (3 * x.size(1));
            y.values()[at] = (x.values()[i] - MEAN[i % 3]) / STD[i % 3];
        }
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 5, 7, 8, 8, 1), sample(r, 1, 1, 1, 1, 0), sample(r, 6, 41, 6, 64, 0), sample(r, 3, 4, 5, 4, 1));
    }

    private static Sample sample(Random r, int h, int w, int slotH, int slotW, int index) {
        Array x = Array.zeros(h, w, 3);
        Arrays.setAll(x.values(), _ -> r.nextInt(256));
        return Sample.of(h + "x" + w + " in " + slotH + "x" + slotW, "{'h': " + slotH + ", 'w': " + slotW + ", 'index': " + index + "}", "x", x);
    }
}
