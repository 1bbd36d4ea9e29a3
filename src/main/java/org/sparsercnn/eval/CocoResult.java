package org.sparsercnn.eval;

import static org.sparsercnn.eval.PrecisionRecall.ALL;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Metric;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/**
 * An evaluation's outcome.
 *
 * @param summary the 12 numbers over all categories
 * @param perCategory the same by contiguous class index
 * @param curves precision over recall, for plots
 */
public record CocoResult(CocoSummary summary, List<CocoSummary> perCategory, PrecisionRecall curves) implements Score {
    static CocoResult of(PrecisionRecall curves) {
        return new CocoResult(CocoSummary.of(curves),
                IntStream.range(0, curves.categories().size()).mapToObj(k -> CocoSummary.of(curves, k)).toList(), curves);
    }

    public CategoryMap categories() {
        return curves.categories();
    }

    /** AP over all categories, thresholds and areas with up to {@code maxDetections} per image and category, one of the limits. */
    public double averagePrecisionAt(int maxDetections) {
        int limit = Arrays.binarySearch(curves.options().maxDetections(), maxDetections);
        if (limit < 0) {
            throw new IllegalArgumentException(maxDetections + " is not among the limits that were measured");
        }
        return curves.averagePrecision(ALL, ALL, AreaRange.ALL, limit);
    }

    /**
     * For a file: {@code {"metric": "COCO", "stats": [12 numbers], "stats_names", "max_detections", "ap_at": {"100": …}, "per_category": [{"id",
     * "name", "AP", …}]}}; fractions, -1 where undefined.
     */
    @Override
    public Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("metric", metric().label());
        json.put("stats", DoubleStream.of(summary.stats()).boxed().toList());
        json.put("stats_names", CocoSummary.NAMES);
        json.put("max_detections", IntStream.of(summary.limits()).boxed().toList());
        Map<String, Double> at = new LinkedHashMap<>();
        for (int limit : curves.options().maxDetections()) {
            at.put(Integer.toString(limit), averagePrecisionAt(limit));
        }
        json.put("ap_at", at);
        List<Map<String, Object>> rows = new ArrayList<>();
        for (int k = 0; k < categories().size(); k++) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("id", categories().originalId(k));
            row.put("name", categories().name(k));
            row.putAll(perCategory.get(k).byName());
            rows.add(row);
        }
        json.put("per_category", rows);
        return json;
    }

    @Override
    public Metric metric() {
        return Metric.COCO;
    }

    @Override
    public boolean lowerIsBetter(String name) {
        return false;
    }

    /** pycocotools' 12 lines and detectron2's two tables. */
    @Override
    public String text() {
        return summary.text(MetricTables.UNDEFINED) + "\n" + MetricTables.metrics(this) + "\n" + MetricTables.perCategory(this);
    }

    /** AP, AP50, AP75, APs, APm, APl, then AP-name of every category. */
    @Override
    public SequencedMap<String, Double> percentages() {
        SequencedMap<String, Double> metrics = new LinkedHashMap<>();
        for (String name : CocoSummary.NAMES.subList(0, 6)) {
            metrics.put(name, percent(summary.get(name)));
        }
        for (int k = 0; k < categories().size(); k++) {
            metrics.put("AP-" + categories().name(k), percent(perCategory.get(k).get("AP")));
        }
        return metrics;
    }

    private static double percent(double fraction) {
        return fraction == PrecisionRecall.UNDEFINED ? Double.NaN : 100 * fraction;
    }
}
