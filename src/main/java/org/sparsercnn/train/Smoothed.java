package org.sparsercnn.train;

import java.util.Arrays;

/** The median of the last values, as detectron2's log prints it. */
final class Smoothed {
    private final double[] window;
    private int seen;

    Smoothed(int size) {
        window = new double[size];
    }

    void add(double value) {
        window[seen++ % window.length] = value;
    }

    double median() {
        double[] sorted = Arrays.copyOf(window, Math.min(seen, window.length));
        Arrays.sort(sorted);
        int n = sorted.length;
        return n == 0 ? Double.NaN : n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    }
}
