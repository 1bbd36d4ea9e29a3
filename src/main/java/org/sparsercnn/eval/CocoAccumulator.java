package org.sparsercnn.eval;

import java.util.Arrays;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/**
 * Turns matches into precision over recall, category by category: pycocotools' accumulate. Categories may be added
 * concurrently, each writes its own entries.
 */
public final class CocoAccumulator {
    /** numpy.spacing(1), added to the denominator upstream against 0/0; it leaves the first hit just below precision 1. */
    private static final double EPSILON = Math.ulp(1.0);

    private final CocoOptions options;
    private final PrecisionRecall result;

    public CocoAccumulator(CategoryMap categories, CocoOptions options) {
        this.options = options;
        result = new PrecisionRecall(categories, options);
    }

    /** Adds one category. */
    public void add(CategoryMatches matches) {
        int[] byScore = ScoreOrder.descending(matches.scores());
        for (int m = 0; m < options.maxDetections().length; m++) {
            int[] kept = withRankBelow(options.maxDetections()[m], byScore, matches.ranks());
            for (AreaRange range : AreaRange.values()) {
                if (matches.positives()[range.ordinal()] > 0) { // otherwise undefined, -1
                    for (int t = 0; t < options.iouThresholds().length; t++) {
                        addCurve(matches, kept, t, range, m);
                    }
                }
            }
        }
    }

    /** What was accumulated; entries of categories never added stay -1. */
    public PrecisionRecall result() {
        return result;
    }

    private static int[] withRankBelow(int limit, int[] byScore, int[] ranks) {
        int[] kept = new int[byScore.length];
        int n = 0;
        for (int row : byScore) {
            if (ranks[row] < limit) {
                kept[n++] = row;
            }
        }
        return Arrays.copyOf(kept, n);
    }

    private void addCurve(CategoryMatches matches, int[] kept, int threshold, AreaRange range, int limit) {
        int positives = matches.positives()[range.ordinal()];
        int offset = (range.ordinal() * options.iouThresholds().length + threshold) * matches.scores().length;
        int n = kept.length;
        double[] recall = new double[n];
        double[] precision = new double[n];
        int hits = 0;
        int misses = 0;
        for (int i = 0; i < n; i++) {
            switch (matches.outcomes()[offset + kept[i]]) {
                case CategoryMatches.HIT -> hits++;
                case CategoryMatches.MISS -> misses++;
                default -> {}
            }
            recall[i] = (double) hits / positives;
            precision[i] = hits / (misses + hits + EPSILON);
        }
        for (int i = n - 1; i > 0; i--) { // the envelope: the best precision at this recall or more
            precision[i - 1] = Math.max(precision[i - 1], precision[i]);
        }
        int category = matches.category();
        result.setRecall(threshold, category, range, limit, n == 0 ? 0 : recall[n - 1]);
        double[] recallThresholds = options.recallThresholds();
        for (int r = 0, i = 0; r < recallThresholds.length; r++) {
            while (i < n && recall[i] < recallThresholds[r]) {
                i++;
            }
            result.setPrecision(threshold, r, category, range, limit, i < n ? precision[i] : 0, i < n ? matches.scores()[kept[i]] : 0);
        }
    }
}
