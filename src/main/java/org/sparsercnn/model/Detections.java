package org.sparsercnn.model;

import java.util.Arrays;
import java.util.Comparator;
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
        return new Detections(boxes, scores, labels).keep(IntStream.range(0, proposals).boxed()
                .sorted(Comparator.comparingDouble(p -> -scores[p])).mapToInt(Integer::intValue).toArray());
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

    private Detections keep(int[] indices) {
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
