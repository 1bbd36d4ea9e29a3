package org.sparsercnn.eval;

import java.util.Arrays;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/**
 * Precision by (T thresholds, R recalls, K categories, A area ranges, M limits) and the recall reached by (T, K, A, M), row-major
 * as pycocotools' {@code eval["precision"]} and {@code eval["recall"]}; -1 where no object counts.
 */
public final class PrecisionRecall {
    /** In place of a category or threshold: the mean over all that are defined. */
    public static final int ALL = -1;

    /** What an undefined mean is, in pycocotools' tables and ours. */
    public static final double UNDEFINED = -1;

    private static final int AREAS = AreaRange.values().length;

    private final CategoryMap categories;
    private final CocoOptions options;
    private final double[] precision;
    private final double[] scores;
    private final double[] recall;

    PrecisionRecall(CategoryMap categories, CocoOptions options) {
        this.categories = categories;
        this.options = options;
        int curves = options.iouThresholds().length * categories.size() * AREAS * options.maxDetections().length;
        precision = new double[Math.multiplyExact(curves, options.recallThresholds().length)];
        scores = new double[precision.length];
        recall = new double[curves];
        Arrays.fill(precision, UNDEFINED);
        Arrays.fill(scores, UNDEFINED);
        Arrays.fill(recall, UNDEFINED);
    }

    public CategoryMap categories() {
        return categories;
    }

    public CocoOptions options() {
        return options;
    }

    /** Precision at a recall; indices into the options' thresholds, recalls and limits. */
    public double precision(int threshold, int recallIndex, int category, AreaRange range, int limit) {
        return precision[cell(threshold * options.recallThresholds().length + recallIndex, category, range, limit)];
    }

    /** The score at which that recall is reached, 0 where it is not. */
    public double score(int threshold, int recallIndex, int category, AreaRange range, int limit) {
        return scores[cell(threshold * options.recallThresholds().length + recallIndex, category, range, limit)];
    }

    /** The recall reached with all detections up to the limit. */
    public double recall(int threshold, int category, AreaRange range, int limit) {
        return recall[cell(threshold, category, range, limit)];
    }

    /** (R) precision over the options' recalls: a curve to plot; all -1 where no object counts. */
    public double[] curve(int threshold, int category, AreaRange range, int limit) {
        double[] curve = new double[options.recallThresholds().length];
        Arrays.setAll(curve, r -> precision(threshold, r, category, range, limit));
        return curve;
    }

    /** Average precision: the mean over recalls, and over categories and thresholds where {@link #ALL} is given. */
    public double averagePrecision(int threshold, int category, AreaRange range, int limit) {
        DefinedMean mean = new DefinedMean();
        for (int t : chosen(threshold, options.iouThresholds().length)) {
            for (int r = 0; r < options.recallThresholds().length; r++) {
                for (int k : chosen(category, categories.size())) {
                    mean.add(precision(t, r, k, range, limit));
                }
            }
        }
        return mean.value();
    }

    /** Average recall: the mean over categories and thresholds where {@link #ALL} is given. */
    public double averageRecall(int threshold, int category, AreaRange range, int limit) {
        DefinedMean mean = new DefinedMean();
        for (int t : chosen(threshold, options.iouThresholds().length)) {
            for (int k : chosen(category, categories.size())) {
                mean.add(recall(t, k, range, limit));
            }
        }
        return mean.value();
    }

    /** The index of an overlap among the thresholds; {@code Integer.MIN_VALUE} if not measured. */
    int thresholdIndex(double overlap) {
        int index = Arrays.binarySearch(options.iouThresholds(), overlap);
        return index < 0 ? Integer.MIN_VALUE : index;
    }

    void setPrecision(int threshold, int recallIndex, int category, AreaRange range, int limit, double value, double score) {
        int cell = cell(threshold * options.recallThresholds().length + recallIndex, category, range, limit);
        precision[cell] = value;
        scores[cell] = score;
    }

    void setRecall(int threshold, int category, AreaRange range, int limit, double value) {
        recall[cell(threshold, category, range, limit)] = value;
    }

    private int cell(int outer, int category, AreaRange range, int limit) {
        return ((outer * categories.size() + category) * AREAS + range.ordinal()) * options.maxDetections().length + limit;
    }

    private static int[] chosen(int index, int count) {
        if (index != ALL) {
            return new int[] {index};
        }
        int[] all = new int[count];
        Arrays.setAll(all, i -> i);
        return all;
    }
}
