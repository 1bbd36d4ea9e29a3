package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.sparsercnn.viz.LineChart.Series;
import org.sparsercnn.viz.LineChart.Style;

class PlotsTest {
    private static final Color RED = new Color(255, 0, 0);

    @Test
    void ticksAreRound() {
        Axis axis = Axis.over(0.13, 4.71, 8, true);
        assertThat(axis.low()).isEqualTo(0);
        assertThat(axis.high()).isEqualTo(5);
        assertThat(axis.step()).isEqualTo(1);
        assertThat(labels(Axis.over(0, 1, 5, false))).containsExactly("0", "0.2", "0.4", "0.6", "0.8", "1.0");
        assertThat(labels(Axis.over(0, 27_000, 6, true))).contains("0", "5k", "30k");
        assertThat(labels(Axis.over(0, 2.5e-5, 5, true)))
                .containsExactly("0", "0.5e-5", "1.0e-5", "1.5e-5", "2.0e-5", "2.5e-5");
    }

    @Test
    void axesOfOneValueOrNoneHaveSomeExtent() {
        assertThat(Axis.over(3, 3, 5, true).high()).isGreaterThan(3);
        assertThat(Axis.over(0, 0, 5, true).place(0)).isBetween(0.0, 1.0);
        assertThat(Axis.over(Double.NaN, Double.NaN, 5, true).ticks()).isNotEmpty();
    }

    @Test
    void aLineRunsThroughItsPointsAndBreaksAtWhatIsNotFinite() {
        double[] x = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        double[] y = {5, 5, 5, Double.NaN, 5, 5, Double.POSITIVE_INFINITY, 5, 5, 5, 5};
        Axis axis = new Axis(0, 10, 2);
        BufferedImage picture = new BufferedImage(600, 400, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = Pictures.smooth(picture);
        LineChart chart = new LineChart("", "", "", axis, axis, List.of(new Series("", x, y, RED, Style.LINE)));
        chart.draw(g, new Rectangle(0, 0, 600, 400), 10, 100, 100);
        g.dispose();
        TreeSet<Integer> rows = new TreeSet<>();
        TreeSet<Integer> columns = new TreeSet<>();
        for (int py = 0; py < 400; py++) {
            for (int px = 0; px < 600; px++) {
                if (picture.getRGB(px, py) == RED.getRGB()) {
                    rows.add(py);
                    columns.add(px);
                }
            }
        }
        double middle = (15 + (400 - 35)) / 2.0; // half way between the plot's top and bottom margins
        assertThat((rows.first() + rows.last() + 1) / 2.0).isBetween(middle - 1, middle + 1);
        assertThat(columns).contains(110, 170, 270, 390, 490).doesNotContain(200, 240, 320, 360);
        assertThat(columns.first()).isBetween(97, 101);
        assertThat(columns.last()).isBetween(498, 502);
    }

    @Test
    void undefinedPrecisionIsNotDrawn() {
        double[] defined = new double[101];
        Arrays.fill(defined, 0.5);
        double[] undefined = new double[101];
        Arrays.fill(undefined, -1);
        BufferedImage with = Plots.precisionRecall("PR", List.of(new Plots.PrecisionCurve("cat", 0.5, defined)));
        BufferedImage without = Plots.precisionRecall("PR", List.of(new Plots.PrecisionCurve("cat", -1, undefined)));
        int color = Palette.color(4).getRGB();
        assertThat(count(with, color, 0, 1100)).isGreaterThan(2000);
        assertThat(count(without, color, 0, 1100)).isZero();
        assertThat(count(without, color, 1100, 1400)).as("its legend").isPositive();
    }

    @Test
    void aRunOfAnyLengthIsPlotted() {
        int n = 50_000;
        int[] iterations = new int[n];
        double[] loss = new double[n];
        double[] rate = new double[n];
        for (int i = 0; i < n; i++) {
            iterations[i] = i;
            loss[i] = i % 1000 == 3 ? Double.NaN : 1 + Math.exp(-i / 9000.0);
            rate[i] = 2.5e-5;
        }
        int smoothed = Palette.color(4).getRGB();
        BufferedImage plot = Plots.training(iterations, Map.of("total_loss", loss), rate);
        assertThat(count(plot, smoothed, 0, 1200)).isGreaterThan(2000);
        Plots.training(new int[0], Map.of("total_loss", new double[0]), new double[0]);
        Plots.averagePrecision(new int[] {5}, Map.of("AP", new double[] {Double.NaN}));
        Plots.precisionRecall("nothing", List.of());
        assertThatThrownBy(() -> Plots.averagePrecision(new int[] {5}, Map.of("AP", new double[2])))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void smoothingIsTheMedianOfTheNeighbours() {
        double[] values = new double[100];
        Arrays.fill(values, 2);
        values[50] = 1000;
        values[60] = Double.NaN;
        assertThat(Plots.smoothed(values)).containsOnly(2);
        double[] ramp = new double[100];
        Arrays.setAll(ramp, i -> i);
        assertThat(Plots.smoothed(ramp)[40]).isEqualTo(40);
    }

    private static List<String> labels(Axis axis) {
        return axis.ticks().stream().map(axis::label).toList();
    }

    private static int count(BufferedImage picture, int color, int fromX, int toX) {
        int n = 0;
        for (int y = 0; y < picture.getHeight(); y++) {
            for (int x = fromX; x < toX; x++) {
                n += picture.getRGB(x, y) == color ? 1 : 0;
            }
        }
        return n;
    }
}
