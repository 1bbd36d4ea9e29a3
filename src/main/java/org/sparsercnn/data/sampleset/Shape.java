package org.sparsercnn.data.sampleset;

import java.util.Locale;

/** The classes of the sample set: outlines around the origin, reaching 1 from it. */
enum Shape {
    CIRCLE(ring(64, 1, 1)),
    SQUARE(ring(4, 1, 1)),
    TRIANGLE(ring(3, 1, 1)),
    STAR(ring(10, 1, 0.42)),
    CROSS(cross(0.34));

    private final Polygon outline;

    Shape(Polygon outline) {
        this.outline = outline;
    }

    Polygon outline() {
        return outline;
    }

    /** The category's name in the annotation files. */
    String category() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static Polygon ring(int points, double even, double odd) {
        double[] x = new double[points];
        double[] y = new double[points];
        for (int i = 0; i < points; i++) {
            double radius = i % 2 == 0 || points % 2 == 1 ? even : odd;
            x[i] = radius * StrictMath.cos(2 * Math.PI * i / points);
            y[i] = radius * StrictMath.sin(2 * Math.PI * i / points);
        }
        return new Polygon(x, y);
    }

    private static Polygon cross(double w) {
        double[] x = {w, w, 1, 1, w, w, -w, -w, -1, -1, -w, -w};
        double[] y = {-1, -w, -w, w, w, 1, 1, w, w, -w, -w, -1};
        return new Polygon(x, y);
    }
}
