package org.sparsercnn.viz.report;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.eval.Calibration;
import org.sparsercnn.eval.ConfusionMatrix;
import org.sparsercnn.eval.ErrorAnalysis;
import org.sparsercnn.eval.Outcome;
import org.sparsercnn.viz.Axis;

/** What goes wrong: confused classes, kinds of mistakes, and what scores are worth. */
final class ErrorSections {
    private static final int CLASSES = 12;
    private static final int PAIRS = 15;
    private static final Axis UNIT = new Axis(0, 1, 0.2);
    /** In the order in which a reader asks. */
    static final List<Outcome> MISTAKES = List.of(Outcome.WRONG_CLASS, Outcome.BADLY_PLACED, Outcome.BOTH, Outcome.DUPLICATE, Outcome.BACKGROUND);

    private final SetData set;
    private final String suffix;
    private final String from;

    /** @param suffix of the sections' ids; empty for the first set */
    ErrorSections(SetData set, String suffix) {
        this.set = set;
        this.suffix = suffix;
        this.from = "score " + Numbers.decimal(set.analysis().point().score(), 2) + " and above";
    }

    void errors(Html page) {
        ErrorAnalysis errors = set.analysis().errors();
        double most = Math.max(errors.missedGain(), errors.gains().values().stream().mapToDouble(Double::doubleValue).max().orElse(0));
        Section.write(page, "errors" + suffix, "Kinds of mistakes", section -> {
            Section.table(section, "Detections of " + from + ", and the AP50 points gained if a mistake were not made", "bars", table -> {
                Section.head(table, "tn", "kind", "count", "gain");
                table.element("tbody", body -> {
                    row(body, "missed", errors.missed(), errors.missedGain(), most, "An object that no detection found, and that is not the object of a wrong class or bad place.");
                    MISTAKES.forEach(kind -> row(body, kind.label(), errors.counts().get(kind), errors.gains().get(kind), most, kind.meaning()));
                    body.element("tr", row -> {
                        Section.explained(row, Outcome.CORRECT.label(), Outcome.CORRECT.meaning());
                        Section.number(row, Numbers.count(errors.counts().get(Outcome.CORRECT)));
                        row.element("td", "");
                    }, "class", "rest");
                });
            });
            Section.note(section, "Kinds are those of TIDE (Bolya et al., ECCV 2020). Gains are taken one by one from AP50 " + Numbers.percent(errors.ap50())
                    + " with all detections, whatever their score; they do not add up.");
        });
    }

    private static void row(Html body, String kind, int count, double gain, double most, String meaning) {
        body.element("tr", row -> {
            Section.explained(row, kind, meaning);
            Section.number(row, Numbers.count(count));
            Section.bar(row, Numbers.gain(gain), gain / most);
        });
    }

    void confusion(Html page) {
        ConfusionMatrix matrix = set.analysis().confusion();
        CategoryMap names = matrix.categories();
        Section.write(page, "confusion" + suffix, "Confusion between classes", section -> {
            int none = names.size();
            int[] shown = matrix.mostConfused(CLASSES);
            section.element("div", parts -> {
                Section.table(parts, "Rows: objects. Columns: what they were taken for", "heat", table -> {
                    table.element("thead", head -> head.element("tr", row -> {
                        row.element("th", "", "scope", "col");
                        IntStream.of(shown).forEach(k -> row.element("th", th -> th.element("span", names.name(k)), "scope", "col"));
                        row.element("th", th -> th.element("span", "missed"), "scope", "col");
                    }));
                    table.element("tbody", body -> {
                        IntStream.of(shown).forEach(k -> heat(body, names.name(k), matrix.counts()[k], matrix.rowSum(k), shown, none));
                        heat(body, "no object", matrix.counts()[none], matrix.rowSum(none), shown, none);
                    });
                });
                pairs(parts, matrix);
            }, "class", "confusion");
            String part = shown.length == none ? "" : " Of " + none + " classes the " + shown.length + " that are confused most are shown.";
            Section.note(section, "At IoU 0.5, detections of " + from + ". An object counts once: as its own class where that was found, else as the class of the detection"
                    + " that overlaps it most. The stronger the colour, the larger the share of the row." + part);
        });
    }

    private static void heat(Html body, String name, int[] counts, int all, int[] shown, int none) {
        body.element("tr", row -> {
            row.element("th", name, "scope", "row");
            IntStream.concat(IntStream.of(shown), IntStream.of(none)).forEach(k -> row.element("td", counts[k] == 0 ? "" : Numbers.count(counts[k]),
                    "style", "--p:" + Numbers.decimal(all == 0 ? 0 : 100.0 * counts[k] / all, 0) + "%"));
        });
    }

    private static void pairs(Html parts, ConfusionMatrix matrix) {
        List<ConfusionMatrix.Pair> pairs = matrix.confused();
        if (pairs.isEmpty()) {
            parts.element("p", "No object was taken for one of another class.", "class", "note");
            return;
        }
        Section.table(parts, "Confused most often" + (pairs.size() > PAIRS ? " (" + PAIRS + " of " + Numbers.count(pairs.size(), "pair") + ")" : ""), "bars", table -> {
            Section.head(table, "ttn", "object", "taken for", "count", "share");
            table.element("tbody", body -> pairs.stream().limit(PAIRS).forEach(pair -> body.element("tr", row -> {
                row.element("th", matrix.categories().name(pair.truth()), "scope", "row");
                row.element("td", matrix.categories().name(pair.taken()));
                Section.number(row, Numbers.count(pair.count()));
                Section.number(row, Numbers.percent(pair.share()) + " %");
            })));
        });
    }

    void scores(Html page) {
        Calibration bins = set.analysis().calibration();
        Section.write(page, "scores" + suffix, "Scores", section -> {
            int most = Math.max(10, Math.max(Arrays.stream(bins.hits()).max().orElse(0), Arrays.stream(bins.mistakes()).max().orElse(0)));
            Axis decades = new Axis(0, Math.log10(most) * 1.03, 1);
            section.element("div", charts -> new SvgChart("How many detections have which score", "score", "detections", UNIT, decades, UNIT::label,
                    y -> Numbers.count(Math.round(Math.pow(10, y)))).draw(charts, List.of(halves("right", bins.hits(), 0, 2), halves("wrong", bins.mistakes(), 1, 1)),
                    List.of(), _ -> ""), "class", "charts");
            Section.note(section, "Counts are drawn in decades. F1 is largest with the detections of " + from + ".");
        });
    }

    /** One of two bars that share a bin; half a decade below one stands for nothing. */
    private static SvgChart.Bars halves(String name, int[] counts, int half, int color) {
        double width = 1.0 / counts.length;
        double[] edges = new double[2 * counts.length];
        double[] values = new double[counts.length];
        for (int b = 0; b < counts.length; b++) {
            edges[2 * b] = width * (b + 0.08 + 0.42 * half);
            edges[2 * b + 1] = edges[2 * b] + 0.42 * width;
            values[b] = counts[b] == 0 ? Double.NaN : Math.max(Math.log10(counts[b]), 0.02);
        }
        return new SvgChart.Bars(name, edges, values, color);
    }

    void calibration(Html page) {
        Calibration bins = set.analysis().calibration();
        Section.write(page, "calibration" + suffix, "Calibration", section -> {
            double[] edges = new double[2 * bins.bins()];
            double[] precisions = new double[bins.bins()];
            for (int b = 0; b < bins.bins(); b++) {
                edges[2 * b] = (b + 0.06) / bins.bins();
                edges[2 * b + 1] = (b + 0.94) / bins.bins();
                precisions[b] = bins.precision(b);
            }
            section.element("div", charts -> new SvgChart("How often detections of a score are right", "score", "share that is right", UNIT, UNIT).draw(charts,
                    List.of(new SvgChart.Bars("measured", edges, precisions, 0)), List.of(new Curve("as the score says", new double[] {0, 1}, new double[] {0, 1})), _ -> ""),
                    "class", "charts");
            Section.note(section, "Expected calibration error: " + Numbers.percent(bins.expectedError()) + " %, the mean difference between a detection's score and"
                    + " how often such scores are right at IoU 0.5. Bars below the line: scores promise too much; above it: too little.");
        });
    }

    /** The gains by kind, missed first, for a comparison. */
    static Map<String, Double> gains(ErrorAnalysis errors) {
        Map<String, Double> gains = new LinkedHashMap<>();
        gains.put("missed", errors.missedGain());
        MISTAKES.forEach(kind -> gains.put(kind.label(), errors.gains().get(kind)));
        return gains;
    }
}
