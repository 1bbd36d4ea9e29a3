package org.sparsercnn.data.sampleset;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PolygonTest {
    @ParameterizedTest
    @EnumSource(Shape.class)
    void coverageAddsUpToTheArea(Shape shape) {
        Polygon polygon = shape.outline().transformed(17.3 * 0.6, -17.3 * 0.8, 17.3 * 0.8, 17.3 * 0.6, 30.4, 29.7);
        double[] covered = new double[1];
        polygon.cover(64, 64, (x, y, coverage) -> {
            assertThat(coverage).isGreaterThan(0).isLessThanOrEqualTo(1);
            covered[0] += coverage;
        });
        assertThat(covered[0]).isBetween(0.99 * area(polygon), 1.01 * area(polygon));
    }

    @Test
    void anAlignedRectangleIsCoveredExactly() {
        float[][] coverage = new float[4][6];
        new Polygon(new double[] {1.25, 4.5, 4.5, 1.25}, new double[] {1, 1, 2.5, 2.5})
                .cover(6, 4, (x, y, c) -> coverage[y][x] = c);
        assertThat(coverage[0]).containsOnly(0);
        assertThat(coverage[1]).containsExactly(0, 0.75f, 1, 1, 0.5f, 0);
        assertThat(coverage[2]).containsExactly(0, 0.375f, 0.5f, 0.5f, 0.25f, 0);
        assertThat(coverage[3]).containsOnly(0);
    }

    @Test
    void whatLiesOutsideThePictureIsCutOff() {
        int[] touched = new int[1];
        Polygon large = new Polygon(new double[] {-10, 20, 20, -10}, new double[] {-10, -10, 3, 3});
        large.cover(8, 8, (x, y, c) -> {
            assertThat(c).isEqualTo(1);
            touched[0]++;
        });
        assertThat(touched[0]).isEqualTo(8 * 3);
        large.moved(100, 0).cover(8, 8, (x, y, c) -> touched[0] = -1);
        large.moved(0, -100).cover(8, 8, (x, y, c) -> touched[0] = -1);
        assertThat(touched[0]).isEqualTo(24);
    }

    @Test
    void aStrokeIsAsWideAsSaid() {
        Polygon stroke = Polygon.stroke(new double[] {2, 10}, new double[] {2, 8}, 3);
        assertThat(area(stroke)).isBetween(29.999, 30.001);
    }

    private static double area(Polygon p) {
        double twice = 0;
        int n = p.xs().length;
        for (int i = 0, j = n - 1; i < n; j = i++) {
            twice += p.xs()[j] * p.ys()[i] - p.xs()[i] * p.ys()[j];
        }
        return Math.abs(twice) / 2;
    }
}
