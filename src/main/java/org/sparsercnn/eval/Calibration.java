package org.sparsercnn.eval;

/**
 * Whether a score says how often a detection is right, over all detections that count (IoU 0.5). Bins are of equal width from 0 to 1; scores
 * outside, which other programs may write, go to the first and the last one.
 *
 * @param hits (B) detections that took an object
 * @param mistakes (B) detections that did not
 * @param meanScores (B) NaN where a bin is empty
 */
public record Calibration(int[] hits, int[] mistakes, double[] meanScores) {
    public static Calibration of(Outcomes found, int bins) {
        int[] hits = new int[bins];
        int[] mistakes = new int[bins];
        double[] means = new double[bins];
        for (int i = 0; i < found.count(); i++) {
            Outcome outcome = found.outcomes()[i];
            if (outcome != Outcome.IGNORED) {
                int bin = Math.clamp((int) Math.floor(found.scores()[i] * bins), 0, bins - 1);
                (outcome == Outcome.CORRECT ? hits : mistakes)[bin]++;
                means[bin] += found.scores()[i];
            }
        }
        for (int b = 0; b < bins; b++) {
            means[b] /= hits[b] + mistakes[b]; // 0/0 is NaN
        }
        return new Calibration(hits, mistakes, means);
    }

    /** B. */
    public int bins() {
        return hits.length;
    }

    public int count(int bin) {
        return hits[bin] + mistakes[bin];
    }

    /** The share of detections in a bin that are right; NaN where it is empty. */
    public double precision(int bin) {
        return (double) hits[bin] / count(bin);
    }

    /**
     * Expected calibration error (Naeini et al., AAAI 2015): the mean over detections of the difference between mean score and precision of
     * their bin; NaN without detections.
     */
    public double expectedError() {
        double sum = 0;
        int all = 0;
        for (int b = 0; b < bins(); b++) {
            if (count(b) > 0) {
                sum += count(b) * Math.abs(precision(b) - meanScores[b]);
                all += count(b);
            }
        }
        return sum / all;
    }
}
