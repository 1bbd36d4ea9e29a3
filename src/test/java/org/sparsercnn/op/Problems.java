package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

/**
 * Batches for the specs of matching and the set loss: logits (S, N, P, K), boxes (S, N, P, 4), whwh (N, 4), and the objects of all
 * images in a row, labels (M) and truth (M, 4). The attribute "counts" says how many an image has.
 */
final class Problems {
    private Problems() {}

    static MatchCost.Problem of(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Tensor labels = Permute.dense(tape, in.get("labels")).value();
        Tensor truth = Permute.dense(tape, in.get("truth")).value();
        return of(tape, dense(tape, in, "logits"), dense(tape, in, "boxes"), dense(tape, in, "whwh"), labels.toFloats(), truth.toFloats(), counts(attrs));
    }

    static MatchCost.Problem of(Tape tape, Tensor logits, Tensor boxes, Tensor whwh, float[] labels, float[] truth, int[] counts) {
        int[][] label = new int[counts.length][];
        float[][] box = new float[counts.length][];
        for (int n = 0, first = 0; n < counts.length; first += counts[n++]) {
            label[n] = new int[counts[n]];
            for (int i = 0; i < counts[n]; i++) {
                label[n][i] = (int) labels[first + i];
            }
            box[n] = Arrays.copyOfRange(truth, 4 * first, 4 * (first + counts[n]));
        }
        return new MatchCost.Problem(tape, stages(logits), stages(boxes), whwh, label, box);
    }

    private static Tensor dense(Tape tape, Map<String, Variable> in, String name) {
        return Permute.dense(tape, in.get(name)).value();
    }

    private static List<Tensor> stages(Tensor all) {
        List<Tensor> stages = new ArrayList<>();
        for (int s = 0; s < all.size(0); s++) {
            stages.add(all.narrow(0, s, 1).reshape(all.size(1), all.size(2), all.size(3)));
        }
        return stages;
    }

    static int[] counts(JsonNode attrs) {
        int[] counts = new int[attrs.get("counts").size()];
        Arrays.setAll(counts, n -> attrs.get("counts").get(n).asInt());
        return counts;
    }

    /** The image of each object. */
    static int[] images(int[] counts) {
        int[] images = new int[Arrays.stream(counts).sum()];
        for (int n = 0, at = 0; n < counts.length; n++) {
            for (int i = 0; i < counts[n]; i++) {
                images[at++] = n;
            }
        }
        return images;
    }

    /** @param labels how many classes objects have */
    static OpSpec.Sample sample(Random r, String what, boolean focal, int stages, int proposals, int classes, int labels, int... counts) {
        int objects = Arrays.stream(counts).sum();
        Array label = Array.zeros(objects);
        Arrays.setAll(label.values(), _ -> r.nextInt(labels));
        Array whwh = Array.zeros(counts.length, 4);
        Arrays.setAll(whwh.values(), i -> i % 2 == 0 ? 3 + i / 4 : 2);
        Array boxes = new Array(RandomBoxes.xyxy(r, (long) stages * counts.length * proposals).values(), stages, counts.length, proposals, 4);
        return OpSpec.Sample.of(what + (focal ? " focal " : " softmax ") + stages + " x " + Arrays.toString(counts) + " of " + proposals + ", " + classes + " classes",
                "{'focal': " + focal + ", 'counts': " + Arrays.toString(counts) + "}", "logits", Array.normal(r, stages, counts.length, proposals, classes),
                "boxes", boxes, "whwh", whwh, "labels", label, "truth", RandomBoxes.xyxy(r, objects));
    }
}
