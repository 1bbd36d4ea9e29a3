package org.sparsercnn.train;

import java.util.Arrays;

/** What a number was in the last {@value #KEPT} steps, and on average ever. */
final class History {
    private static final int KEPT = 1000;

    private final double[] values = new double[KEPT];
    private long count;
    private double sum;

    void add(double value) {
        values[(int) (count++ % KEPT)] = value;
        sum += value;
    }

    boolean isEmpty() {
        return count == 0;
    }

    void clear() {
        count = 0;
        sum = 0;
    }

    /** Of the last {@code window} values, or of all where there are fewer; NaN of none. */
    double median(int window) {
        double[] last = last(window);
        Arrays.sort(last);
        int n = last.length;
        return n == 0 ? Double.NaN : n % 2 == 1 ? last[n / 2] : (last[n / 2 - 1] + last[n / 2]) / 2;
    }

    /** Of the last {@code window} values, or of all where there are fewer; NaN of none. */
    double average(int window) {
        return Arrays.stream(last(window)).average().orElse(Double.NaN);
    }

    /** Of all values there ever were; NaN of none. */
    double average() {
        return isEmpty() ? Double.NaN : sum / count;
    }

    /** The last {@code window} values, or all where there are fewer, the oldest first. */
    double[] last(int window) {
        int n = (int) Math.min(Math.min(window, KEPT), count);
        double[] last = new double[n];
        for (int i = 0; i < n; i++) {
            last[i] = values[(int) ((count - n + i) % KEPT)];
        }
        return last;
    }
}
