package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.sparsercnn.data.Metric;
import org.sparsercnn.eval.CrowdHumanOptions;
import org.sparsercnn.eval.Detections;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.eval.ResultsJson;
import org.sparsercnn.eval.Score;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code coco-eval}: pycocotools' twelve numbers, or CrowdHuman's three, from two JSON files. */
@Command(name = "coco-eval", description = "Score a detections JSON against a COCO annotation file.")
final class CocoEvalCommand implements Callable<Integer> {
    @Option(names = "--gt", required = true, paramLabel = "FILE", description = "COCO annotations.")
    private Path truth;

    @Option(names = "--dt", required = true, paramLabel = "FILE", description = "COCO results: a list of image_id, category_id, bbox, score.")
    private Path detections;

    @Option(names = "--metric", paramLabel = "METRIC", defaultValue = "COCO",
            description = "coco (default) or crowdhuman: AP, mMR and recall, then COCO's numbers.")
    private Metric metric;

    @Option(names = "--as-published", description = "With crowdhuman: exactly the published script, for which images without annotations do not exist.")
    private boolean published;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the numbers as JSON.")
    private Path json;

    @Option(names = "--threads", paramLabel = "N", description = "Threads (default: all).")
    private Integer threads;

    @Override
    public Integer call() {
        if (threads != null && threads < 1) {
            throw BadInput.of("--threads %d: at least 1", threads);
        }
        if (published && metric != Metric.CROWDHUMAN) {
            throw new BadInput("--as-published goes with --metric crowdhuman; COCO's numbers are always pycocotools'");
        }
        GroundTruth gt = GroundTruth.read(truth);
        Detections dt = ResultsJson.read(detections);
        int n = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
        Score score = Score.of(metric, gt, dt, published ? CrowdHumanOptions.asPublished() : CrowdHumanOptions.standard(), n);
        System.out.println(score.text());
        if (json != null) {
            Map<String, Object> numbers = score.toJson();
            if (metric == Metric.COCO) {
                numbers.keySet().retainAll(List.of("stats", "per_category")); // what this command promises, and no more
            }
            Json.write(json, numbers);
        }
        return Main.OK;
    }
}
