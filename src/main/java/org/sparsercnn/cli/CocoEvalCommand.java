package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.sparsercnn.eval.CocoEvaluation;
import org.sparsercnn.eval.CocoOptions;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.eval.Detections;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.eval.MetricTables;
import org.sparsercnn.eval.ResultsJson;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code coco-eval}: pycocotools' twelve numbers from two JSON files. */
@Command(name = "coco-eval", description = "Score a detections JSON against a COCO annotation file.")
final class CocoEvalCommand implements Callable<Integer> {
    @Option(names = "--gt", required = true, paramLabel = "FILE", description = "COCO annotations.")
    private Path truth;

    @Option(names = "--dt", required = true, paramLabel = "FILE", description = "COCO results: a list of image_id, category_id, bbox, score.")
    private Path detections;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the numbers as JSON.")
    private Path json;

    @Option(names = "--threads", paramLabel = "N", description = "Threads (default: all).")
    private Integer threads;

    @Override
    public Integer call() {
        if (threads != null && threads < 1) {
            throw BadInput.of("--threads %d: at least 1", threads);
        }
        GroundTruth gt = GroundTruth.read(truth);
        Detections dt = ResultsJson.read(detections);
        int n = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
        CocoResult result = CocoEvaluation.evaluate(gt, dt, CocoOptions.standard().withThreads(n));
        System.out.println(result.summary().text("n/a"));
        System.out.println(MetricTables.perCategory(result));
        if (json != null) {
            Map<String, Object> numbers = result.toJson();
            numbers.keySet().retainAll(List.of("stats", "per_category")); // what this command promises, and no more
            Json.write(json, numbers);
        }
        return Main.OK;
    }
}
