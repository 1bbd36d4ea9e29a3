package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.TestConfig;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.InferenceSampler;
import org.sparsercnn.data.Sample;
import org.sparsercnn.eval.CocoEvaluation;
import org.sparsercnn.eval.CocoOptions;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.eval.DetectionCollector;
import org.sparsercnn.eval.Detections;
import org.sparsercnn.eval.MetricTables;
import org.sparsercnn.eval.ResultsJson;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.GuardStop;
import org.sparsercnn.util.Json;

/**
 * The published road from a model to its AP: predict over the data set, collect, write the results JSON, match, accumulate,
 * summarise.
 */
public final class Evaluation {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");

    private final Config config;
    private final int threads;

    /** @param threads for matching */
    public Evaluation(Config config, int threads) {
        this.config = config;
        this.threads = threads;
    }

    /**
     * Evaluates {@code model} on {@code dataset}; writes {@code coco_instances_results.json} and {@code metrics.json}'s numbers
     * into {@code folder}.
     */
    public CocoResult run(SparseRcnn model, Dataset dataset, Path folder) {
        Detections found = predict(model, dataset);
        Path results = folder.resolve(ResultsJson.FILE_NAME);
        ResultsJson.write(results, found);
        LOG.info("Saved {} detections of {} images to {}", found.count(), dataset.size(), results);
        CocoResult result = CocoEvaluation.evaluate(Datasets.truth(dataset.name()), found, CocoOptions.standard().withThreads(threads));
        LOG.info("Evaluation results for bbox on {}:\n{}\n{}\n{}", dataset.name(), result.summary().text("n/a"),
                MetricTables.metrics(result), MetricTables.perCategory(result));
        Json.write(folder.resolve("evaluation.json"), result.toJson());
        return result;
    }

    private Detections predict(SparseRcnn model, Dataset dataset) {
        Detector detector = new Detector(model);
        DatasetMapper mapper = DatasetMapper.forInference(config.input());
        DetectionCollector collector = new DetectionCollector();
        double[] seconds = new double[3];
        long begin = System.nanoTime();
        long lastReport = begin;
        int done = 0;
        LOG.info("Start inference on {} images", dataset.size());
        try (DataLoader<Sample> loader = new DataLoader<>(new InferenceSampler(dataset.size(), 0, 1).batches(1),
                draw -> mapper.map(dataset.images().get(draw.index()), 0), config.dataLoader().numWorkers())) {
            while (loader.hasNext()) {
                for (Sample sample : loader.next()) {
                    Detector.Result r = detector.detect(sample);
                    seconds[0] += r.preSeconds();
                    seconds[1] += r.forwardSeconds();
                    seconds[2] += r.postSeconds();
                    var d = r.detections();
                    collector.add(sample.imageId(), d.boxesXyxyPx(), d.scores(), d.classes(), dataset.categories());
                    done++;
                }
                long now = System.nanoTime();
                if (now - lastReport > 5_000_000_000L) {
                    lastReport = now;
                    double each = (now - begin) * 1e-9 / done;
                    LOG.info("{}", String.format(Locale.ROOT, "Inference done %d/%d. %.4f s / img. ETA=%d s", done, dataset.size(), each,
                            Math.round(each * (dataset.size() - done))));
                }
            }
        }
        double total = (System.nanoTime() - begin) * 1e-9;
        LOG.info("{}", String.format(Locale.ROOT, "Total inference time: %.1f s (%.4f s / img; normalise %.4f, network %.4f, boxes %.4f)", total,
                total / done, seconds[0] / done, seconds[1] / done, seconds[2] / done));
        return collector.detections();
    }

    /** Ends the run with exit code 3 where a metric misses what TEST.EXPECTED_RESULTS asks for. */
    public static void verifyExpected(List<TestConfig.ExpectedResult> expected, Map<String, Double> percentages) {
        for (TestConfig.ExpectedResult e : expected) {
            Double found = percentages.get(e.metric());
            if (found == null || !(Math.abs(found - e.expected()) <= e.tolerance())) {
                throw new GuardStop("TEST.EXPECTED_RESULTS: " + e.task() + "/" + e.metric() + " is "
                        + (found == null ? "not among " + percentages.keySet() : found) + ", expected " + e.expected() + " +- " + e.tolerance());
            }
        }
    }
}
