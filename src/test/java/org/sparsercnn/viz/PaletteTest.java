package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import org.junit.jupiter.api.Test;

/** The first eight colours as people without one kind of cones see them (Viénot, Brettel and Mollon 1999). */
class PaletteTest {
    /** Linear RGB to what is seen; red and green come out alike. */
    private static final double[][] PROTAN = {{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}};
    private static final double[][] DEUTAN = {{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}};
    private static final double[][] NORMAL = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

    @Test
    void colours_stay_apart_for_protans_and_deutans() {
        assertThat(closest(NORMAL)).isGreaterThan(20);
        assertThat(closest(PROTAN)).as("protan").isGreaterThan(9);
        assertThat(closest(DEUTAN)).as("deutan").isGreaterThan(9);
    }

    @Test
    void a_red_and_a_green_of_equal_lightness_would_fail() {
        Color red = new Color(0xB05050);
        Color green = new Color(0x7A7A50);
        assertThat(distance(lab(red, NORMAL), lab(green, NORMAL))).isGreaterThan(20);
        assertThat(distance(lab(red, DEUTAN), lab(green, DEUTAN))).isLessThan(9);
    }

    private static double closest(double[][] eye) {
        double least = Double.MAX_VALUE;
        for (int i = 0; i < 8; i++) {
            for (int j = 0; j < i; j++) {
                least = Math.min(least, distance(lab(Palette.color(i), eye), lab(Palette.color(j), eye)));
            }
        }
        return least;
    }

    /** CIE 1976: about 2.3 is the least difference that is seen. */
    private static double distance(double[] a, double[] b) {
        return Math.sqrt(Math.pow(a[0] - b[0], 2) + Math.pow(a[1] - b[1], 2) + Math.pow(a[2] - b[2], 2));
    }

    /** CIELAB under D65. */
    private static double[] lab(Color colour, double[][] eye) {
        double[] rgb = times(eye, new double[] {linear(colour.getRed()), linear(colour.getGreen()), linear(colour.getBlue())});
        double[] xyz = times(new double[][] {{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}, rgb);
        double fx = root(xyz[0] / 0.9505);
        double fy = root(xyz[1]);
        double fz = root(xyz[2] / 1.089);
        return new double[] {116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)};
    }

    private static double[] times(double[][] m, double[] v) {
        double[] y = new double[3];
        for (int i = 0; i < 3; i++) {
            y[i] = Math.clamp(m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2], 0, 1.2);
        }
        return y;
    }

    private static double root(double t) {
        return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16.0 / 116;
    }

    private static double linear(int srgb) {
        double v = srgb / 255.0;
        return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
    }
}
