package org.sparsercnn.viz.report;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A line of K points.
 *
 * @param name in the legend
 * @param x (K) ascending
 * @param y (K) NaN is a gap
 */
public record Curve(String name, double[] x, double[] y) {
    /** More points than this show nothing more on a page. */
    private static final int MOST = 300;

    public Curve {
        if (x.length != y.length) {
            throw new IllegalArgumentException(x.length + " places, but " + y.length + " values");
        }
    }

    /** The same line under another name. */
    public Curve named(String other) {
        return new Curve(other, x, y);
    }

    /** A line over the iterations of a run, from 0. */
    public static Curve of(String name, long[] iterations, double[] values) {
        return new Curve(name, Arrays.stream(iterations).asDoubleStream().toArray(), values);
    }

    boolean isDrawable() {
        return Arrays.stream(y).anyMatch(Double::isFinite);
    }

    double last() {
        return y.length == 0 ? Double.NaN : y[y.length - 1];
    }

    /** The means of neighbouring points, so that no more than {@value #MOST} are left. */
    Curve thinned() {
        int each = Math.ceilDiv(x.length, MOST);
        if (each <= 1) {
            return this;
        }
        int n = Math.ceilDiv(x.length, each);
        return new Curve(name, means(x, each, n), means(y, each, n));
    }

    private static double[] means(double[] values, int each, int n) {
        return IntStream.range(0, n).mapToDouble(i -> Arrays.stream(values, i * each, Math.min(values.length, (i + 1) * each))
                .filter(Double::isFinite).average().orElse(Double.NaN)).toArray();
    }
}
