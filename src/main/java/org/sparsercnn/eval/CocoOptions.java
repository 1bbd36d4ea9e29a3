package org.sparsercnn.eval;

import java.util.Arrays;

/**
 * What to measure. The defaults are pycocotools' for boxes.
 *
 * @param iouThresholds T overlaps from which a detection counts as a hit
 * @param recallThresholds R recalls at which precision is sampled
 * @param maxDetections M limits per image and category, ascending
 * @param threads how many categories are worked on at a time; the numbers do not depend on it
 */
public record CocoOptions(double[] iouThresholds, double[] recallThresholds, int[] maxDetections, int threads) {
    /** A range of object areas in square pixels, both ends included. */
    public enum AreaRange {
        ALL("all", 0, 1e5 * 1e5),
        SMALL("small", 0, 32 * 32),
        MEDIUM("medium", 32 * 32, 96 * 96),
        LARGE("large", 96 * 96, 1e5 * 1e5);

        private final String label;
        private final double min;
        private final double max;

        AreaRange(String label, double min, double max) {
            this.label = label;
            this.min = min;
            this.max = max;
        }

        public String label() {
            return label;
        }

        /** Both ends are included, so that an object on a bound is in two ranges. */
        public boolean includes(double area) {
            return !excludes(area);
        }

        boolean excludes(double area) {
            return area < min || area > max;
        }
    }

    public CocoOptions {
        if (iouThresholds.length == 0 || recallThresholds.length == 0 || maxDetections.length == 0 || maxDetections[0] < 1
                || threads < 1 || !Arrays.equals(maxDetections, Arrays.stream(maxDetections).sorted().distinct().toArray())) {
            throw new IllegalArgumentException("thresholds must not be empty, detection limits must be positive and ascending, threads"
                    + " at least 1: " + Arrays.toString(maxDetections) + ", " + threads + " threads");
        }
    }

    /** IoU .50:.05:.95, recall 0:.01:1, 1, 10 and 100 detections, all processors. */
    public static CocoOptions standard() {
        return new CocoOptions(linspace(0.5, 0.95, 10), linspace(0, 1, 101), new int[] {1, 10, 100},
                Runtime.getRuntime().availableProcessors());
    }

    /** Other limits, for example {1, 10, 100, 300} for AP@300 beside the 12 numbers. */
    public CocoOptions withMaxDetections(int... limits) {
        return new CocoOptions(iouThresholds, recallThresholds, limits, threads);
    }

    public CocoOptions withThreads(int count) {
        return new CocoOptions(iouThresholds, recallThresholds, maxDetections, count);
    }

    /** numpy.linspace, digit for digit. */
    private static double[] linspace(double start, double stop, int count) {
        double step = (stop - start) / (count - 1);
        double[] values = new double[count];
        Arrays.setAll(values, i -> i * step + start);
        values[count - 1] = stop;
        return values;
    }
}
