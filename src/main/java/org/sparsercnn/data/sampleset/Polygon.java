package org.sparsercnn.data.sampleset;

import java.util.Arrays;

/**
 * A simple closed polygon in pixels and its coverage of the pixel grid, in plain IEEE arithmetic: a platform's own
 * anti-aliasing would give other bits elsewhere.
 */
record Polygon(double[] xs, double[] ys) {
    /** Sample rows in a pixel; along a row coverage is exact. */
    private static final int SUB_ROWS = 4;

    /** Receives each touched pixel and the covered share of it, in (0, 1]. */
    @FunctionalInterface
    interface Pixels {
        void accept(int x, int y, float coverage);
    }

    double left() {
        return Arrays.stream(xs).min().orElseThrow();
    }

    double right() {
        return Arrays.stream(xs).max().orElseThrow();
    }

    double top() {
        return Arrays.stream(ys).min().orElseThrow();
    }

    double bottom() {
        return Arrays.stream(ys).max().orElseThrow();
    }

    /** The image under the matrix (a b; c d) followed by the shift (dx, dy). */
    Polygon transformed(double a, double b, double c, double d, double dx, double dy) {
        double[] x = new double[xs.length];
        double[] y = new double[xs.length];
        for (int i = 0; i < xs.length; i++) {
            x[i] = a * xs[i] + b * ys[i] + dx;
            y[i] = c * xs[i] + d * ys[i] + dy;
        }
        return new Polygon(x, y);
    }

    Polygon moved(double dx, double dy) {
        return transformed(1, 0, 0, 1, dx, dy);
    }

    /** The stroke of width {@code thickness} along an open line of points: there on one side, back on the other. */
    static Polygon stroke(double[] px, double[] py, double thickness) {
        int n = px.length;
        double[] x = new double[2 * n];
        double[] y = new double[2 * n];
        for (int i = 0; i < n; i++) {
            double alongX = px[Math.min(i + 1, n - 1)] - px[Math.max(i - 1, 0)];
            double alongY = py[Math.min(i + 1, n - 1)] - py[Math.max(i - 1, 0)];
            double half = 0.5 * thickness / Math.sqrt(alongX * alongX + alongY * alongY);
            x[i] = px[i] - half * alongY;
            y[i] = py[i] + half * alongX;
            x[2 * n - 1 - i] = px[i] + half * alongY;
            y[2 * n - 1 - i] = py[i] - half * alongX;
        }
        return new Polygon(x, y);
    }

    /** Walks the pixels that the polygon touches in a {@code width} x {@code height} picture, row by row. */
    void cover(int width, int height, Pixels pixels) {
        int firstX = (int) Math.max(0, Math.floor(left()));
        int lastX = (int) Math.min(width - 1, Math.floor(right()));
        int firstY = (int) Math.max(0, Math.floor(top()));
        int lastY = (int) Math.min(height - 1, Math.floor(bottom()));
        if (firstX > lastX) {
            return;
        }
        float[] row = new float[lastX - firstX + 1];
        double[] crossings = new double[xs.length];
        for (int y = firstY; y <= lastY; y++) {
            Arrays.fill(row, 0);
            for (int s = 0; s < SUB_ROWS; s++) {
                int n = crossings(y + (s + 0.5) / SUB_ROWS, crossings);
                for (int i = 0; i + 1 < n; i += 2) {
                    addSpan(row, crossings[i] - firstX, crossings[i + 1] - firstX);
                }
            }
            for (int i = 0; i < row.length; i++) {
                if (row[i] > 0) {
                    pixels.accept(firstX + i, y, Math.min(1, row[i] / SUB_ROWS));
                }
            }
        }
    }

    private int crossings(double y, double[] into) {
        int n = 0;
        int last = xs.length - 1;
        for (int i = 0, j = last; i <= last; j = i++) {
            if (ys[i] <= y != ys[j] <= y) {
                into[n++] = xs[i] + (y - ys[i]) * (xs[j] - xs[i]) / (ys[j] - ys[i]);
            }
        }
        Arrays.sort(into, 0, n);
        return n;
    }

    private static void addSpan(float[] row, double from, double to) {
        double a = Math.max(0, from);
        double b = Math.min(row.length, to);
        if (a >= b) {
            return;
        }
        int first = (int) a;
        int last = Math.min(row.length - 1, (int) b);
        if (first == last) {
            row[first] += (float) (b - a);
            return;
        }
        row[first] += (float) (first + 1 - a);
        for (int x = first + 1; x < last; x++) {
            row[x] += 1;
        }
        row[last] += (float) (b - last);
    }
}
