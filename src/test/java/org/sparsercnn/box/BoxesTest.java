package org.sparsercnn.box;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class BoxesTest {
    private static final double[] UNIT_AND_SHIFTED = {0, 0, 2, 2, 1, 1, 3, 3};

    @Test
    void formatsConvertBothWays() {
        double[] boxesXywh = {10, 20, 5, 7, -1, 0, 0, 2};
        assertThat(Boxes.xywhToXyxy(boxesXywh)).containsExactly(10, 20, 15, 27, -1, 0, -1, 2);
        assertThat(Boxes.xyxyToXywh(Boxes.xywhToXyxy(boxesXywh))).containsExactly(boxesXywh);
        assertThat(boxesXywh[2]).isEqualTo(5); // the input is left alone
    }

    @Test
    void overlapOfAHalfShiftedSquare() {
        assertThat(Boxes.areaXyxy(UNIT_AND_SHIFTED, 1)).isEqualTo(4);
        assertThat(Boxes.iouXyxy(UNIT_AND_SHIFTED, 0, UNIT_AND_SHIFTED, 1)).isCloseTo(1.0 / 7, within(1e-15));
        assertThat(Boxes.giouXyxy(UNIT_AND_SHIFTED, 0, UNIT_AND_SHIFTED, 1)).isCloseTo(1.0 / 7 - 2.0 / 9, within(1e-15));
        assertThat(Boxes.giouXyxy(UNIT_AND_SHIFTED, 0, UNIT_AND_SHIFTED, 0)).isEqualTo(1);
    }

    @Test
    void distantBoxesHaveNegativeGiou() {
        double[] boxesXyxy = {0, 0, 1, 1, 9, 9, 10, 10};
        assertThat(Boxes.iouXyxy(boxesXyxy, 0, boxesXyxy, 1)).isZero();
        assertThat(Boxes.giouXyxy(boxesXyxy, 0, boxesXyxy, 1)).isCloseTo(-0.98, within(1e-15));
    }

    @Test
    void emptyBoxesGiveDefinedValues() {
        double[] points = {3, 3, 3, 3, 5, 5, 5, 5};
        assertThat(Boxes.iouXyxy(points, 0, points, 0)).isZero();
        assertThat(Boxes.giouXyxy(points, 0, points, 0)).isZero();
        assertThat(Boxes.giouXyxy(points, 0, points, 1)).isEqualTo(-1);
    }

    @Test
    void aCrowdCountsTheDetectionsAreaOnly() {
        double[] detection = {0, 0, 10, 10};
        double[] crowd = {5, 0, 100, 100};
        assertThat(Boxes.cocoIouXywh(detection, 0, crowd, 0, true)).isEqualTo(0.5);
        assertThat(Boxes.cocoIouXywh(detection, 0, crowd, 0, false)).isEqualTo(50.0 / (100 + 10000 - 50));
        assertThat(Boxes.cocoIouXywh(detection, 0, new double[] {10, 0, 5, 5}, 0, false)).isZero();
    }
}
