package org.sparsercnn.eval;

import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Metric;

/** What a metric says about the detections on one data set. */
public sealed interface Score permits CocoResult, CrowdHumanResult {
    /**
     * Scores by the metric given.
     *
     * @throws org.sparsercnn.util.BadInput if a detection belongs to an image the ground truth does not list, or the ground truth
     *     does not suit the metric
     */
    static Score of(Metric metric, GroundTruth truth, Detections detections, int threads) {
        return of(metric, truth, detections, CrowdHumanOptions.standard(), threads);
    }

    /** The same with options for CrowdHuman's. */
    static Score of(Metric metric, GroundTruth truth, Detections detections, CrowdHumanOptions options, int threads) {
        CocoOptions coco = CocoOptions.standard().withThreads(threads);
        return switch (metric) {
            case COCO -> CocoEvaluation.evaluate(truth, detections, coco);
            case CROWDHUMAN -> new CrowdHumanResult(CrowdHumanEvaluation.evaluate(truth, detections, options),
                    CocoEvaluation.evaluate(truth, detections, coco));
        };
    }

    /** The names of {@link #percentages} of any score by {@code metric} on these classes, in order. */
    static List<String> names(Metric metric, CategoryMap classes) {
        List<String> coco = CocoSummary.NAMES.subList(0, 6);
        return switch (metric) {
            case COCO -> Stream.concat(coco.stream(), classes.names().stream().map(name -> "AP-" + name)).toList();
            case CROWDHUMAN -> Stream.concat(Stream.of("AP", "mMR", "Recall"), coco.stream().map(name -> "COCO-" + name)).toList();
        };
    }

    /** The metric that says it. */
    Metric metric();

    /**
     * The numbers of detectron2's "bbox" task by their names there: percent, NaN where undefined. The main ones come first; a
     * hyphen in a name marks further information (AP-person), which detectron2 does not print among the lines to copy.
     */
    SequencedMap<String, Double> percentages();

    /** Whether a smaller number of this name is the better one, as with a miss rate. */
    boolean lowerIsBetter(String name);

    /** Lines and tables for the screen; an undefined number is {@value MetricTables#UNDEFINED}. */
    String text();

    /** For a file: fractions. */
    Map<String, Object> toJson();
}
