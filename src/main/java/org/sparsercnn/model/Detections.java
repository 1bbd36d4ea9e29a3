package org.sparsercnn.model;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.sparsercnn.config.ModelConfig;

/**
 * What was found in one image, best first.
 *
 * @param boxesXyxyPx 4 values per detection, in pixels of the image they were scaled to
 * @param scores probabilities
 * @param classes indices below NUM_CLASSES
 */
public record Detections(float[] boxesXyxyPx, float[] scores, int[] classes) {
    public int count() {
        return scores.length;
    }

    /**
     * Reads the last stage's output of one image: with the focal loss the P best of all P * K (proposal, class) pairs, so that
     * one box may appear with several classes; with softmax each proposal's best class. Equal scores keep their order.
     *
     * @param logits (P, K) or (P, K + 1), row by row
     * @param boxesXyxyPx (P, 4)
     */
    public static Detections select(float[] logits, float[] boxesXyxyPx, ModelConfig.SparseRcnn config) {
        int proposals = boxesXyxyPx.length / 4;
        return config.useFocal() ? bestPairs(logits, boxesXyxyPx, proposals) : bestClasses(logits, boxesXyxyPx, proposals);
    }

    private static Detections bestPairs(float[] logits, float[] boxes, int proposals) {
        int classes = logits.length / proposals;
        // The sigmoid rises, so logits order the scores; NaN sorts last.
        int[] order = IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble(i -> Float.isNaN(logits[i]) ? Double.POSITIVE_INFINITY : -logits[i]))
                .mapToInt(Integer::intValue).limit(proposals).toArray();
        float[] chosen = new float[4 * order.length];
        float[] scores = new float[order.length];
        int[] labels = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            System.arraycopy(boxes, order[i] / classes * 4, chosen, 4 * i, 4);
            scores[i] = (float) (1 / (1 + Math.exp(-logits[order[i]])));
            labels[i] = order[i] % classes;
        }
        return new Detections(chosen, scores, labels);
    }

    private static Detections bestClasses(float[] logits, float[] boxes, int proposals) {
        int columns = logits.length / proposals;
        float[] scores = new float[proposals];
        int[] labels = new int[proposals];
        for (int p = 0; p < proposals; p++) {
            float[] row = Arrays.copyOfRange(logits, p * columns, (p + 1) * columns);
            double max = IntStream.range(0, columns).mapToDouble(k -> row[k]).max().orElseThrow();
            double sum = IntStream.range(0, columns).mapToDouble(k -> Math.exp(row[k] - max)).sum();
            for (int k = 1; k < columns - 1; k++) { // the last column is the background
                if (row[k] > row[labels[p]]) {
                    labels[p] = k;
                }
            }
            scores[p] = (float) (Math.exp(row[labels[p]] - max) / sum);
        }
        return new Detections(boxes, scores, labels).sorted();
    }

    /**
     * Boxes in pixels of an image of another size, clipped to it; boxes that are empty then are dropped
     * (detectron2's {@code detector_postprocess}).
     */
    public Detections scaled(int fromWidth, int fromHeight, int toWidth, int toHeight) {
        float sx = (float) ((double) toWidth / fromWidth);
        float sy = (float) ((double) toHeight / fromHeight);
        float[] boxes = new float[boxesXyxyPx.length];
        for (int i = 0; i < boxes.length; i++) {
            boolean x = i % 2 == 0;
            boxes[i] = Math.clamp(boxesXyxyPx[i] * (x ? sx : sy), 0f, x ? toWidth : toHeight);
        }
        return new Detections(boxes, scores, classes).keep(IntStream.range(0, count())
                .filter(i -> boxes[4 * i + 2] > boxes[4 * i] && boxes[4 * i + 3] > boxes[4 * i + 1]).toArray());
    }

    /** Those with a score of at least {@code threshold}. */
    public Detections above(double threshold) {
        return keep(IntStream.range(0, count()).filter(i -> scores[i] >= threshold).toArray());
    }

    /** Clipped to an image of this size; boxes that are empty then stay. */
    public Detections clipped(int width, int height) {
        float[] boxes = new float[boxesXyxyPx.length];
        for (int i = 0; i < boxes.length; i++) {
            boxes[i] = Math.clamp(boxesXyxyPx[i], 0f, i % 2 == 0 ? width : height);
        }
        return new Detections(boxes, scores, classes);
    }

    /** All of them, in the order of the list. */
    public static Detections concat(List<Detections> all) {
        int n = all.stream().mapToInt(Detections::count).sum();
        Detections whole = new Detections(new float[4 * n], new float[n], new int[n]);
        int at = 0;
        for (Detections d : all) {
            System.arraycopy(d.boxesXyxyPx, 0, whole.boxesXyxyPx, 4 * at, 4 * d.count());
            System.arraycopy(d.scores, 0, whole.scores, at, d.count());
            System.arraycopy(d.classes, 0, whole.classes, at, d.count());
            at += d.count();
        }
        return whole;
    }

    /** Area of box {@code i} in float32. */
    public float area(int i) {
        return (boxesXyxyPx[4 * i + 2] - boxesXyxyPx[4 * i]) * (boxesXyxyPx[4 * i + 3] - boxesXyxyPx[4 * i + 1]);
    }

    /** Intersection over union of two boxes in float32, in the order of operations of PyTorch's code; NaN if both are empty. */
    float iou(int i, int j) {
        float[] b = boxesXyxyPx;
        float width = Math.min(b[4 * i + 2], b[4 * j + 2]) - Math.max(b[4 * i], b[4 * j]);
        float height = Math.min(b[4 * i + 3], b[4 * j + 3]) - Math.max(b[4 * i + 1], b[4 * j + 1]);
        float intersection = Math.max(width, 0) * Math.max(height, 0);
        return intersection / (area(i) + area(j) - intersection);
    }

    /** Those whose boxes are finite numbers. */
    Detections finite() {
        return keep(IntStream.range(0, count()).filter(i -> IntStream.range(4 * i, 4 * i + 4).allMatch(c -> Float.isFinite(boxesXyxyPx[c])))
                .toArray());
    }

    /** Best first; equal scores keep their order. */
    Detections sorted() {
        return keep(IntStream.range(0, count()).boxed().sorted(Comparator.comparingDouble(i -> -scores[i])).mapToInt(Integer::intValue).toArray());
    }

    /** The first {@code n}, or all if there are fewer. */
    Detections first(int n) {
        return keep(IntStream.range(0, Math.min(n, count())).toArray());
    }

    /** Those at {@code indices}, in that order. */
    public Detections keep(int[] indices) {
        float[] boxes = new float[4 * indices.length];
        float[] s = new float[indices.length];
        int[] c = new int[indices.length];
        for (int i = 0; i < indices.length; i++) {
            System.arraycopy(boxesXyxyPx, 4 * indices[i], boxes, 4 * i, 4);
            s[i] = scores[indices[i]];
            c[i] = classes[indices[i]];
        }
        return new Detections(boxes, s, c);
    }
}
