package org.sparsercnn.eval;

import java.util.Arrays;

/**
 * Recall, precision and misses of a detector of persons as its threshold falls, and CrowdHuman's three numbers (Shao et al.,
 * arXiv:1805.00123): fractions, NaN where undefined. Position k means: with the k + 1 best detections.
 *
 * @param scores (N) of the detections that count, descending: those in a region to ignore do not
 * @param hits (N) persons found so far
 * @param persons persons to find
 * @param ignored regions to ignore
 * @param images images looked at
 * @param options what was counted
 */
public record CrowdHumanCurve(double[] scores, int[] hits, int persons, int ignored, int images, CrowdHumanOptions options) {
    /** False positives per image at which misses are looked up: Dollar et al., PAMI 2012, with the digits of the published script. */
    private static final double[] REFERENCES = {0.0100, 0.0178, 0.03160, 0.0562, 0.1000, 0.1778, 0.3162, 0.5623, 1.000};

    /** N. */
    public int count() {
        return scores.length;
    }

    /** Persons found in the end. */
    public int found() {
        return hits.length == 0 ? 0 : hits[hits.length - 1];
    }

    public double recall(int k) {
        return (double) hits[k] / persons;
    }

    public double precision(int k) {
        return (double) hits[k] / (k + 1);
    }

    /** False positives per image. */
    public double falsePositivesPerImage(int k) {
        return (double) (k + 1 - hits[k]) / images;
    }

    public double missRate(int k) {
        return 1.0 - recall(k);
    }

    /** The share of persons found with all detections. */
    public double recall() {
        return nothingCounts() ? ofNothing(0) : recall(count() - 1);
    }

    /**
     * AP: the area under precision over recall, by trapezoids between neighbours, without an envelope. As published, it begins at
     * the first detection: of n persons found without a mistake it is 1 - 1/n.
     */
    public double averagePrecision() {
        if (nothingCounts()) {
            return ofNothing(0);
        }
        double area = 0;
        for (int k = 1; k < count(); k++) {
            area += (recall(k) - recall(k - 1)) * ((precision(k - 1) + precision(k)) / 2);
        }
        return area;
    }

    /** mMR: the geometric mean of the miss rates at nine numbers of false positives per image from 0.01 to 1; 0 is best. */
    public double logAverageMissRate() {
        return nothingCounts() ? ofNothing(1) : Math.exp(Arrays.stream(REFERENCES).map(r -> Math.log(missRateAt(r))).sum() / REFERENCES.length);
    }

    /** Where there are that many false positives for the first time; in the end if there never are. */
    private double missRateAt(double falsePositives) {
        int low = 0;
        for (int high = count() - 1; low < high; ) { // false positives only grow
            int middle = (low + high) >>> 1;
            if (falsePositivesPerImage(middle) >= falsePositives) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return missRate(low);
    }

    private boolean nothingCounts() {
        return count() == 0 || persons == 0 && !options.published();
    }

    private double ofNothing(double value) {
        return persons == 0 || options.published() ? Double.NaN : value;
    }
}
