package org.sparsercnn.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The two tables detectron2 logs after an evaluation, in its layout (Markdown pipes); an undefined number is n/a. */
public final class MetricTables {
    /** What the screen shows where a number is undefined. */
    public static final String UNDEFINED = "n/a";

    /** Categories side by side, each with its AP. */
    private static final int CATEGORIES_PER_ROW = 3;

    private enum Align { LEFT, CENTER }

    private MetricTables() {}

    /** AP, AP50, AP75, APs, APm, APl in percent: one row, centred. */
    public static String metrics(CocoResult result) {
        return row(CocoSummary.NAMES.subList(0, 6), result.percentages());
    }

    /** The metrics named, in percent: one row, centred. */
    static String row(List<String> names, Map<String, Double> metrics) {
        return table(names, List.of(names.stream().map(name -> shown(metrics.get(name))).toList()), Align.CENTER);
    }

    /** AP of every category in percent, three categories a row, in the order of their ids. */
    public static String perCategory(CocoResult result) {
        List<String> cells = new ArrayList<>();
        for (int k = 0; k < result.categories().size(); k++) {
            double ap = result.perCategory().get(k).get("AP");
            cells.add(result.categories().name(k).replace("|", "\\|"));
            cells.add(shown(ap == PrecisionRecall.UNDEFINED ? Double.NaN : 100 * ap));
        }
        int columns = Math.min(2 * CATEGORIES_PER_ROW, cells.size());
        List<List<String>> rows = new ArrayList<>();
        for (int from = 0; from < cells.size(); from += columns) {
            List<String> row = new ArrayList<>(cells.subList(from, Math.min(from + columns, cells.size())));
            while (row.size() < columns) {
                row.add("");
            }
            rows.add(row);
        }
        return table(IntStream.range(0, columns).mapToObj(c -> c % 2 == 0 ? "category" : "AP").toList(), rows, Align.LEFT);
    }

    private static String shown(double percent) {
        return Double.isNaN(percent) ? UNDEFINED : CocoSummary.rounded(percent, 3);
    }

    private static String table(List<String> header, List<List<String>> rows, Align align) {
        int[] widths = IntStream.range(0, header.size()).map(c -> Math.max(header.get(c).length() + 2,
                rows.stream().mapToInt(row -> row.get(c).length()).max().orElse(0))).toArray();
        List<String> lines = new ArrayList<>();
        lines.add(line(header, widths, align));
        lines.add(Arrays.stream(widths).mapToObj(width -> ":" + "-".repeat(width + 1 - (align == Align.CENTER ? 1 : 0))
                + (align == Align.CENTER ? ":" : "")).collect(Collectors.joining("|", "|", "|")));
        rows.forEach(row -> lines.add(line(row, widths, align)));
        return String.join("\n", lines);
    }

    private static String line(List<String> cells, int[] widths, Align align) {
        return IntStream.range(0, widths.length).mapToObj(c -> {
            int spare = widths[c] - cells.get(c).length();
            int before = align == Align.CENTER ? spare / 2 : 0;
            return " " + " ".repeat(before) + cells.get(c) + " ".repeat(spare - before) + " ";
        }).collect(Collectors.joining("|", "|", "|"));
    }
}
