package org.sparsercnn.eval;

import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import org.sparsercnn.data.Metric;

/**
 * CrowdHuman's numbers, and COCO's as further information.
 *
 * @param curve CrowdHuman's
 * @param coco of the same detections, at most 100 an image
 */
public record CrowdHumanResult(CrowdHumanCurve curve, CocoResult coco) implements Score {
    private static final String AP = "AP";
    private static final String MISS_RATE = "mMR";
    private static final String RECALL = "Recall";

    @Override
    public Metric metric() {
        return Metric.CROWDHUMAN;
    }

    /** AP, mMR and Recall, then COCO's six main numbers as COCO-AP, COCO-AP50, … */
    @Override
    public SequencedMap<String, Double> percentages() {
        SequencedMap<String, Double> percentages = new LinkedHashMap<>();
        fractions().forEach((name, value) -> percentages.put(name, 100 * value));
        coco.percentages().forEach((name, value) -> {
            if (!name.contains("-")) {
                percentages.put("COCO-" + name, value);
            }
        });
        return percentages;
    }

    @Override
    public boolean lowerIsBetter(String name) {
        return name.equals(MISS_RATE);
    }

    /** The three lines the published script prints, a table in percent, what was counted, and COCO's lines. */
    @Override
    public String text() {
        StringBuilder text = new StringBuilder();
        fractions().forEach((name, value) -> text.append(name).append(" : ").append(shown(value)).append('\n'));
        int count = curve.count();
        return text.append('\n').append(MetricTables.row(fractions().keySet().stream().toList(), percentages()))
                .append(String.format(Locale.ROOT, "\nImages %,d, persons %,d, regions to ignore %,d; detections that count %,d: hits %,d, false positives %,d\n",
                        curve.images(), curve.persons(), curve.ignored(), count, curve.found(), count - curve.found()))
                .append("\nCOCO's numbers, for information:\n").append(coco.summary().text(MetricTables.UNDEFINED)).toString();
    }

    private static String shown(double fraction) {
        return Double.isNaN(fraction) ? MetricTables.UNDEFINED : BigDecimal.valueOf(fraction).toPlainString();
    }

    /**
     * {@code {"metric": "CrowdHuman", "AP", "mMR", "Recall", "images", "persons", "ignored", "detections", "hits", "coco": {…}}};
     * null where undefined.
     */
    @Override
    public Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("metric", metric().label());
        fractions().forEach((name, value) -> json.put(name, Double.isNaN(value) ? null : value));
        json.put("images", curve.images());
        json.put("persons", curve.persons());
        json.put("ignored", curve.ignored());
        json.put("detections", curve.count());
        json.put("hits", curve.found());
        Map<String, Object> further = coco.toJson();
        further.keySet().retainAll(List.of("stats", "per_category"));
        json.put("coco", further);
        return json;
    }

    private SequencedMap<String, Double> fractions() {
        SequencedMap<String, Double> fractions = new LinkedHashMap<>();
        fractions.put(AP, curve.averagePrecision());
        fractions.put(MISS_RATE, curve.logAverageMissRate());
        fractions.put(RECALL, curve.recall());
        return fractions;
    }
}
