package org.sparsercnn.viz.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.sparsercnn.eval.CocoOptions.AreaRange;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.eval.CocoSummary;
import org.sparsercnn.eval.CrowdHumanCurve;
import org.sparsercnn.eval.CrowdHumanResult;
import org.sparsercnn.eval.Outcome;
import org.sparsercnn.eval.Outcomes;
import org.sparsercnn.eval.PrecisionRecall;
import org.sparsercnn.viz.Axis;

/** The metric in detail: precision over recall, every class, every size. */
final class PrecisionSections {
    private static final Axis UNIT = new Axis(0, 1, 0.2);
    private static final double[] SHOWN = {0.5, 0.75, 0.95};
    private static final int CROWD_POINTS = 400;
    private static final List<String> COLUMNS = List.of("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100");

    private final SetData set;
    private final CocoResult coco;
    private final PrecisionRecall curves;
    private final int limit;
    private final String suffix;

    /** @param suffix of the sections' ids; empty for the first set */
    PrecisionSections(SetData set, String suffix) {
        this.set = set;
        this.coco = set.coco();
        this.curves = coco.curves();
        this.limit = curves.options().maxDetections().length - 1;
        this.suffix = suffix;
    }

    void curves(Html page) {
        Section.write(page, "pr-curves" + suffix, "Precision over recall", section -> {
            section.element("div", charts -> {
                if (set.score() instanceof CrowdHumanResult crowd) {
                    crowd(charts, crowd.curve());
                }
                chart(charts, "Mean over the classes", "", PrecisionRecall.ALL);
            }, "class", "charts");
            Section.note(section, "The legend has the area under each curve, AP, in percent. The solid line is the mean over the ten IoUs from 0.50 to 0.95.");
            if (coco.categories().size() > 1) {
                section.element("details", details -> {
                    details.element("summary", "Every class");
                    details.element("div", charts -> {
                        for (int k = 0; k < coco.categories().size(); k++) {
                            if (coco.perCategory().get(k).get("AP50") >= 0) { // the others have no object to find
                                chart(charts, coco.categories().name(k), coco.categories().name(k), k);
                            }
                        }
                    }, "class", "charts classes");
                });
            }
        });
    }

    /** @param data the class, for the chooser; empty for the mean */
    private void chart(Html charts, String name, String data, int category) {
        charts.element("div", cell -> {
            List<Curve> lines = new ArrayList<>();
            lines.add(curve("IoU 0.50:0.95", PrecisionRecall.ALL, category));
            for (double overlap : SHOWN) {
                lines.add(curve("IoU " + Numbers.decimal(overlap, 2), Arrays.binarySearch(curves.options().iouThresholds(), overlap), category));
            }
            SvgChart chart = new SvgChart(name, "recall", "precision", UNIT, UNIT);
            chart.draw(cell, List.of(), lines, line -> Numbers.percent(Arrays.stream(line.y()).average().orElse(Double.NaN)));
        }, "data-class", data);
    }

    private Curve curve(String name, int threshold, int category) {
        double[] recalls = curves.options().recallThresholds();
        int[] thresholds = threshold == PrecisionRecall.ALL ? IntStream.range(0, curves.options().iouThresholds().length).toArray() : new int[] {threshold};
        int[] categories = category == PrecisionRecall.ALL ? IntStream.range(0, coco.categories().size()).toArray() : new int[] {category};
        double[] y = new double[recalls.length];
        Arrays.setAll(y, r -> IntStream.of(categories).mapToDouble(k -> IntStream.of(thresholds)
                .mapToDouble(t -> curves.precision(t, r, k, AreaRange.ALL, limit)).average().orElse(-1)).filter(p -> p >= 0).average().orElse(Double.NaN));
        return new Curve(name, recalls, y);
    }

    /** The metric's own curves: precision over recall, and misses over false positives an image, which are looked at in decades. */
    private static void crowd(Html charts, CrowdHumanCurve curve) {
        if (curve.count() == 0 || curve.persons() == 0) {
            return;
        }
        int[] places = IntStream.range(0, Math.min(CROWD_POINTS, curve.count()))
                .map(i -> (int) ((long) i * (curve.count() - 1) / Math.max(1, Math.min(CROWD_POINTS, curve.count()) - 1))).toArray();
        new SvgChart("CrowdHuman: persons", "recall", "precision", UNIT, UNIT).draw(charts, List.of(), List.of(new Curve("AP",
                IntStream.of(places).mapToDouble(curve::recall).toArray(), IntStream.of(places).mapToDouble(curve::precision).toArray())),
                _ -> Numbers.percent(curve.averagePrecision()));
        int[] wrong = IntStream.of(places).filter(k -> curve.falsePositivesPerImage(k) >= 1e-3).toArray();
        Axis decades = new Axis(-3, 2, 1);
        new SvgChart("CrowdHuman: miss rate over false positives an image", "false positives an image", "miss rate", decades, UNIT,
                x -> Numbers.brief(Math.pow(10, x)), UNIT::label).draw(charts, List.of(), List.of(new Curve("mMR",
                IntStream.of(wrong).mapToDouble(k -> Math.log10(Math.min(100, curve.falsePositivesPerImage(k)))).toArray(),
                IntStream.of(wrong).mapToDouble(curve::missRate).toArray())), _ -> Numbers.percent(curve.logAverageMissRate()));
    }

    void perClass(Html page) {
        Outcomes found = set.analysis().outcomes();
        double score = set.analysis().point().score();
        int[] objects = new int[coco.categories().size()];
        int[] hits = new int[objects.length];
        int[] mistakes = new int[objects.length];
        for (int box = 0; box < found.counted().length; box++) {
            objects[found.truth().annotations().classIndex(box)] += found.counted()[box] ? 1 : 0;
        }
        for (int i = 0; i < found.count(); i++) {
            if (found.scores()[i] >= score) {
                hits[found.classes()[i]] += found.outcomes()[i] == Outcome.CORRECT ? 1 : 0;
                mistakes[found.classes()[i]] += found.outcomes()[i].isMistake() ? 1 : 0;
            }
        }
        Section.write(page, "per-class" + suffix, "Every class", section -> {
            Section.table(section, "COCO's numbers by class, percent", "sortable", table -> {
                List<String> head = new ArrayList<>(List.of("class", "objects"));
                head.addAll(COLUMNS);
                head.addAll(List.of("found", "mistakes"));
                Section.head(table, "tn", head.toArray(String[]::new));
                table.element("tbody", body -> {
                    for (int k = 0; k < objects.length; k++) {
                        int at = k;
                        CocoSummary row = coco.perCategory().get(k);
                        body.element("tr", tr -> {
                            tr.element("th", coco.categories().name(at), "scope", "row");
                            Section.number(tr, Numbers.count(objects[at]));
                            Section.bar(tr, Numbers.percent(row.get("AP")), row.get("AP"));
                            COLUMNS.stream().skip(1).forEach(name -> Section.number(tr, Numbers.percent(row.get(name))));
                            Section.number(tr, Numbers.count(hits[at]));
                            Section.number(tr, Numbers.count(mistakes[at]));
                        });
                    }
                });
            });
            Section.note(section, "Found and mistakes are counted at IoU 0.5 and score " + Numbers.decimal(score, 2) + " and above.");
        });
    }

    void bySize(Html page) {
        Map<AreaRange, String> bounds = Map.of(AreaRange.SMALL, "up to 32² px", AreaRange.MEDIUM, "32² to 96² px", AreaRange.LARGE, "over 96² px");
        Map<AreaRange, String> letters = Map.of(AreaRange.SMALL, "s", AreaRange.MEDIUM, "m", AreaRange.LARGE, "l");
        Outcomes found = set.analysis().outcomes();
        Section.write(page, "ap-by-size" + suffix, "AP by size", section -> {
            Section.table(section, "AP and AR by the area of objects, percent", "bars", table -> {
                Section.head(table, "tn", "size", "objects", "AP", "AR");
                table.element("tbody", body -> List.of(AreaRange.SMALL, AreaRange.MEDIUM, AreaRange.LARGE).forEach(range -> body.element("tr", row -> {
                    Section.explained(row, range.label(), bounds.get(range));
                    Section.number(row, Numbers.count(IntStream.range(0, found.counted().length)
                            .filter(box -> found.counted()[box] && range.includes(found.truth().annotations().area(box))).count()));
                    DoubleStream.of(coco.summary().get("AP" + letters.get(range)), coco.summary().get("AR" + letters.get(range)))
                            .forEach(value -> Section.bar(row, Numbers.percent(value), value));
                })));
            });
            Section.note(section, "COCO counts by the area the annotation file states, that of the mask where there is one.");
        });
    }
}
