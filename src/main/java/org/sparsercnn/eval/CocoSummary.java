package org.sparsercnn.eval;

import static org.sparsercnn.eval.PrecisionRecall.ALL;
import static org.sparsercnn.eval.PrecisionRecall.UNDEFINED;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/**
 * The 12 numbers of COCO in pycocotools' order ({@link #NAMES}): fractions, -1 where undefined.
 *
 * <p>The first three limits of the options play the parts of 1, 10 and 100 detections, the last one standing in where there
 * are fewer. (pycocotools prints AP as -1 when 100 is not among the limits; detectron2 corrects that as is done here.)
 *
 * @param stats 12 numbers
 * @param limits the three limits
 * @param overlaps how the printed lines name the range of thresholds, {@code 0.50:0.95}
 */
public record CocoSummary(double[] stats, int[] limits, String overlaps) {
    public static final List<String> NAMES =
            List.of("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl");

    /** One of the twelve: limit is 0, 1 or 2. */
    private record Line(boolean precision, double overlap, AreaRange range, int limit) {}

    private static final double EVERY = Double.NaN;

    private static final List<Line> LINES = List.of(
            new Line(true, EVERY, AreaRange.ALL, 2),
            new Line(true, 0.5, AreaRange.ALL, 2),
            new Line(true, 0.75, AreaRange.ALL, 2),
            new Line(true, EVERY, AreaRange.SMALL, 2),
            new Line(true, EVERY, AreaRange.MEDIUM, 2),
            new Line(true, EVERY, AreaRange.LARGE, 2),
            new Line(false, EVERY, AreaRange.ALL, 0),
            new Line(false, EVERY, AreaRange.ALL, 1),
            new Line(false, EVERY, AreaRange.ALL, 2),
            new Line(false, EVERY, AreaRange.SMALL, 2),
            new Line(false, EVERY, AreaRange.MEDIUM, 2),
            new Line(false, EVERY, AreaRange.LARGE, 2));

    /** Over all categories. */
    public static CocoSummary of(PrecisionRecall curves) {
        return of(curves, ALL);
    }

    /** Of one category, or of {@link PrecisionRecall#ALL}. */
    public static CocoSummary of(PrecisionRecall curves, int category) {
        int[] measured = curves.options().maxDetections();
        int[] limitIndices = IntStream.range(0, 3).map(i -> Math.min(i, measured.length - 1)).toArray();
        double[] stats = LINES.stream().mapToDouble(line -> value(curves, line, category, limitIndices[line.limit])).toArray();
        double[] thresholds = curves.options().iouThresholds();
        return new CocoSummary(stats, IntStream.of(limitIndices).map(i -> measured[i]).toArray(),
                rounded(thresholds[0], 2) + ":" + rounded(thresholds[thresholds.length - 1], 2));
    }

    private static double value(PrecisionRecall curves, Line line, int category, int limit) {
        int threshold = Double.isNaN(line.overlap) ? ALL : curves.thresholdIndex(line.overlap);
        if (threshold == Integer.MIN_VALUE) {
            return UNDEFINED;
        }
        return line.precision ? curves.averagePrecision(threshold, category, line.range, limit)
                : curves.averageRecall(threshold, category, line.range, limit);
    }

    /** One of the 12 by its name in {@link #NAMES}. */
    public double get(String name) {
        int index = NAMES.indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException(name + " is none of " + NAMES);
        }
        return stats[index];
    }

    /** Name to number, in order. */
    public Map<String, Double> byName() {
        Map<String, Double> map = new LinkedHashMap<>();
        NAMES.forEach(name -> map.put(name, get(name)));
        return map;
    }

    /** The 12 lines pycocotools prints, character for character; undefined numbers are -1.000. */
    public String text() {
        return text("-1.000");
    }

    /** The same lines with another word for an undefined number, such as {@code n/a}. */
    public String text(String undefined) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < stats.length; i++) {
            Line line = LINES.get(i);
            text.append(" %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %s\n".formatted(
                    line.precision ? "Average Precision" : "Average Recall", line.precision ? "(AP)" : "(AR)",
                    Double.isNaN(line.overlap) ? overlaps : rounded(line.overlap, 2), line.range.label(), limits[line.limit],
                    stats[i] == UNDEFINED ? undefined : rounded(stats[i], 3)));
        }
        return text.toString();
    }

    /** C's and Python's rounding: of the exact binary value, half to even. */
    static String rounded(double value, int digits) {
        return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    }
}
