package org.sparsercnn.viz;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.sparsercnn.viz.LineChart.Series;
import org.sparsercnn.viz.LineChart.Style;

/** The pictures of a run: losses and learning rate, precision over recall, AP over iterations. */
public final class Plots {
    private static final int WIDTH = 1400;
    private static final int HEIGHT = 860;
    private static final double CAP = 13;

    /** More points than this across {@link #WIDTH} pixels show nothing more. */
    private static final int MOST_POINTS = 3000;

    /** Dark enough on white paper; the palette's yellow and grey are not. */
    private static final int[] LINE_ORDER = {4, 5, 2, 6, 0, 1, 20, 21, 18, 22, 16, 17, 19, 23};

    private Plots() {}

    /** A class's precision at equally spaced recalls from 0 to 1 (COCO's 101); values below 0 mean undefined. */
    public record PrecisionCurve(String name, double averagePrecision, double[] precision) {}

    /**
     * Loss curves, raw behind smoothed, and the learning rate below on the same iterations.
     *
     * @param iterations K, ascending
     * @param losses name to K values, drawn in the map's order; not finite is a gap
     * @param learningRate K values
     */
    public static BufferedImage training(int[] iterations, Map<String, double[]> losses, double[] learningRate) {
        int stride = Math.max(1, Math.ceilDiv(iterations.length, MOST_POINTS));
        double[] x = everyNth(Arrays.stream(iterations).asDoubleStream().toArray(), stride);
        double[] rateValues = everyNth(learningRate, stride);
        List<double[]> lines = new ArrayList<>();
        List<Series> raw = new ArrayList<>();
        List<Series> smooth = new ArrayList<>();
        losses.forEach((name, allValues) -> {
            double[] values = everyNth(allValues, stride);
            lines.add(values);
            Color color = color(smooth.size());
            raw.add(new Series("", x, values, color, Style.PALE));
            smooth.add(new Series(name, x, smoothed(values), color, Style.LINE));
        });
        List<Series> all = new ArrayList<>(raw);
        all.addAll(smooth);
        Axis lossAxis = Axis.over(0, mostlyBelow(lines), 8, true);
        int upper = HEIGHT * 7 / 10;
        BufferedImage picture = paper();
        Graphics2D g = Pictures.smooth(picture);
        List<Series> rate = List.of(new Series("learning rate", x, rateValues, color(2), Style.LINE));
        Axis rateAxis = Axis.over(0, 1.05 * highest(List.of(rateValues)), 3, true);
        LineChart above = new LineChart("Training", "", "loss", null, lossAxis, all);
        LineChart below = new LineChart("", "iteration", "lr", null, rateAxis, rate);
        double left = Math.max(above.leftMargin(CAP), below.leftMargin(CAP));
        double right = Math.max(above.rightMargin(CAP), below.rightMargin(CAP));
        above.draw(g, new Rectangle(0, 0, WIDTH, upper), CAP, left, right);
        below.draw(g, new Rectangle(0, upper, WIDTH, HEIGHT - upper), CAP, left, right);
        g.dispose();
        return picture;
    }

    /** Precision over recall, a line for each class, at one IoU threshold; the legend has the average precisions. */
    public static BufferedImage precisionRecall(String title, List<PrecisionCurve> curves) {
        List<Series> series = new ArrayList<>();
        for (PrecisionCurve curve : curves) {
            int n = curve.precision.length;
            double[] recall = new double[n];
            double[] precision = new double[n];
            for (int i = 0; i < n; i++) {
                recall[i] = (double) i / Math.max(1, n - 1);
                precision[i] = curve.precision[i] >= 0 ? curve.precision[i] : Double.NaN;
            }
            String ap = curve.averagePrecision >= 0
                    ? String.format(Locale.ROOT, "%.1f", 100 * curve.averagePrecision)
                    : "n/a";
            series.add(new Series(curve.name + "  " + ap, recall, precision, color(series.size()), Style.LINE));
        }
        Axis unit = new Axis(0, 1, 0.2);
        return whole(new LineChart(title, "recall", "precision", unit, unit, series));
    }

    /**
     * Metrics over the evaluations of a run.
     *
     * @param iterations K, ascending
     * @param metrics name ("AP", "AP50") to K values in percent
     */
    public static BufferedImage averagePrecision(int[] iterations, Map<String, double[]> metrics) {
        double[] x = Arrays.stream(iterations).asDoubleStream().toArray();
        List<Series> series = new ArrayList<>();
        metrics.forEach((name, values) -> series.add(new Series(name, x, values, color(series.size()), Style.DOTTED)));
        Axis percent = Axis.over(0, Math.max(1, highest(metrics.values())), 8, true);
        return whole(new LineChart("Validation", "iteration", "average precision (%)", null, percent, series));
    }

    private static BufferedImage whole(LineChart chart) {
        BufferedImage picture = paper();
        Graphics2D g = Pictures.smooth(picture);
        chart.draw(g, new Rectangle(0, 0, WIDTH, HEIGHT), CAP);
        g.dispose();
        return picture;
    }

    private static BufferedImage paper() {
        BufferedImage picture = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = picture.createGraphics();
        g.setColor(LineChart.PAPER);
        g.fillRect(0, 0, WIDTH, HEIGHT);
        g.dispose();
        return picture;
    }

    private static Color color(int index) {
        return Palette.color(LINE_ORDER[index % LINE_ORDER.length]);
    }

    private static double[] everyNth(double[] values, int n) {
        return IntStream.range(0, Math.ceilDiv(values.length, n)).mapToDouble(i -> values[i * n]).toArray();
    }

    /** Median over a window of a fiftieth of the run, 20 values at least, as detectron2 smooths what it logs. */
    static double[] smoothed(double[] values) {
        int half = Math.max(20, values.length / 50) / 2;
        double[] result = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            double[] window = Arrays.stream(values, Math.max(0, i - half), Math.min(values.length, i + half + 1))
                    .filter(Double::isFinite)
                    .sorted()
                    .toArray();
            result[i] = window.length == 0 ? Double.NaN : window[window.length / 2];
        }
        return result;
    }

    /** An upper end of the axis that a few spikes do not stretch: above 99 % of the values and all of the smoothed. */
    private static double mostlyBelow(Iterable<double[]> lines) {
        double high = 0;
        for (double[] values : lines) {
            double[] sorted = Arrays.stream(values).filter(Double::isFinite).sorted().toArray();
            if (sorted.length > 0) {
                high = Math.max(high, sorted[(int) (0.99 * (sorted.length - 1))]);
                high = Math.max(high, Arrays.stream(smoothed(values)).filter(Double::isFinite).max().orElse(0));
            }
        }
        return high;
    }

    private static double highest(Iterable<double[]> lines) {
        double high = 0;
        for (double[] values : lines) {
            high = Math.max(high, Arrays.stream(values).filter(Double::isFinite).max().orElse(0));
        }
        return high;
    }
}
