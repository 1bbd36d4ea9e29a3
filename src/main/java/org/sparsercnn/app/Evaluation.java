package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.ImageRecord;
import org.sparsercnn.data.InferenceSampler;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.eval.DetectionCollector;
import org.sparsercnn.eval.ResultsJson;
import org.sparsercnn.eval.Score;
import org.sparsercnn.model.Detections;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.ValidationLoss;
import org.sparsercnn.util.Json;

/**
 * The published road from a model to its numbers, on every set of DATASETS.TEST: predict over the data set, collect, write the
 * results JSON, score. Ranks share the images; rank 0 measures.
 */
final class Evaluation {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");

    /** What rank 0 found on one set. */
    record Result(EvaluationTask task, Datasets.TestSet set, Score score) {
        /** The data set's. */
        String name() {
            return set.name();
        }
    }

    private final EvaluationTask task;
    private final Config config;
    private final List<Datasets.TestSet> sets;
    private final RunFolder folder;
    private final DeviceChoice device;
    private final BooleanSupplier stop;
    private final ProgressLine progress;

    /**
     * @param stop asked after each image; true gives the evaluation up
     */
    Evaluation(EvaluationTask task, Config config, List<Datasets.TestSet> sets, RunFolder folder, DeviceChoice device, BooleanSupplier stop,
            ProgressLine progress) {
        this.task = task;
        this.config = config;
        this.sets = sets;
        this.folder = folder;
        this.device = device;
        this.stop = stop;
        this.progress = progress;
    }

    /** The data sets' names. */
    List<String> names() {
        return sets.stream().map(Datasets.TestSet::name).toList();
    }

    /**
     * Every rank calls it with its model, which must be the same. Writes {@code coco_instances_results.json} and
     * {@code evaluation.json} into the task's folder of OUTPUT_DIR.
     *
     * @return one result for each set; none on other ranks than 0, and none if it was stopped
     */
    List<Result> run(SparseRcnn model, Collective group) {
        boolean main = group.rank() == 0;
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < sets.size(); i++) {
            Datasets.TestSet set = sets.get(i);
            List<Detections> share = new ArrayList<>();
            EvaluationTiming timing = predict(model, set.images(), group, share);
            List<Detections> all = new DetectionExchange(model.device(), group).gather(share);
            if (main) {
                group.alone(() -> collect(set.images(), all).ifPresent(collector -> results.add(new Result(task, set, measure(set, collector, timing)))));
            }
        }
        group.barrier();
        return results.size() == sets.size() ? results : List.of();
    }

    /**
     * The training losses on each set (TEST.VALIDATION_LOSS). Every rank calls it with its model.
     *
     * @return for each set by name {@code val/total_loss} and so on, on every rank; without those where it was stopped
     */
    Map<String, Map<String, Double>> losses(SparseRcnn model, Collective group) {
        DatasetMapper mapper = DatasetMapper.forInference(config.input());
        ValidationLoss loss = new ValidationLoss(model, group, Compute.of(config, model.device()));
        Map<String, Map<String, Double>> losses = new LinkedHashMap<>();
        for (Datasets.TestSet set : sets) {
            InferenceSampler share = new InferenceSampler(set.images().size(), group.rank(), group.size());
            try (DataLoader<Sample> loader = Datasets.loader(config.dataLoader(), share.batches(1), set.images(), mapper::map)) {
                Map<String, Double> found = loss.measure(set.images().size(), loader, stop);
                if (!found.isEmpty()) {
                    losses.put(set.name(), found);
                }
            }
        }
        return losses;
    }

    /** @return how long this rank took */
    private EvaluationTiming predict(SparseRcnn model, Dataset images, Collective group, List<Detections> target) {
        InferenceSampler share = new InferenceSampler(images.size(), group.rank(), group.size());
        DatasetMapper mapper = DatasetMapper.forInference(config.input());
        boolean main = group.rank() == 0;
        InferenceClock clock = new InferenceClock(share.end() - share.begin(), group.size(), System::nanoTime);
        if (main) {
            LOG.info("Start inference on {} images", images.size());
        }
        int size = share.end() - share.begin();
        LongAdder preparing = new LongAdder();
        try (ProgressLine.Bar bar = main ? progress.begin("inference", 0, size) : ProgressLine.Bar.HIDDEN;
                Detector detector = device.detector(config, model, task == EvaluationTask.AUGMENTED);
                DataLoader<Sample> loader = Datasets.loader(config.dataLoader(), share.batches(1), images, timed(mapper, preparing))) {
            for (int i = share.begin(); loader.hasNext() && !stop.getAsBoolean(); i++) {
                Sample sample = loader.next().getFirst();
                clock.loaded();
                Detector.Result r = detector.detect(sample);
                clock.computed(r.forwardSeconds());
                target.add(r.detections());
                group.getsOn();
                bar.at(i + 1 - share.begin(), size, "");
                clock.stored().filter(_ -> main).ifPresent(LOG::info);
            }
        }
        if (main) {
            clock.summary().lines().forEach(LOG::info);
        }
        return new EvaluationTiming(size, group.size(), clock.secondsByStage(), preparing.sum() * 1e-9 / Math.max(1, size), model.device().memory().peak());
    }

    private static BiFunction<ImageRecord, Long, Sample> timed(DatasetMapper mapper, LongAdder nanos) {
        return (record, epoch) -> {
            long begin = System.nanoTime();
            Sample sample = mapper.map(record, epoch);
            nanos.add(System.nanoTime() - begin);
            return sample;
        };
    }

    /** All images' detections in their order; empty if some are missing because the evaluation was stopped. */
    private static Optional<DetectionCollector> collect(Dataset images, List<Detections> found) {
        if (found.size() < images.size()) {
            LOG.warn("Evaluation on {} is given up", images.name());
            return Optional.empty();
        }
        DetectionCollector collector = new DetectionCollector();
        for (int i = 0; i < found.size(); i++) {
            Detections d = found.get(i);
            collector.add(images.images().get(i).id(), d.boxesXyxyPx(), d.scores(), d.classes(), images.categories());
        }
        return Optional.of(collector);
    }

    private Score measure(Datasets.TestSet set, DetectionCollector collector, EvaluationTiming timing) {
        var detections = collector.detections();
        Path inference = folder.inference(task, set.name());
        Path results = inference.resolve(ResultsJson.FILE_NAME);
        folder.write(() -> {
            ResultsJson.write(results, detections);
            LOG.info("Saved {} detections of {} images to {}", detections.count(), set.images().size(), results);
        });
        Score score = Score.of(set.metric(), set.truth(), detections, device.cpuThreads());
        LOG.info("Evaluation results for {} on {}, metric {}:\n{}", task.label(), set.name(), score.metric().label(), score.text());
        logToCopy(task, score);
        folder.write(() -> Json.write(inference.resolve("evaluation.json"), score.toJson()));
        folder.write(() -> Json.write(inference.resolve(EvaluationTiming.FILE), timing));
        return score;
    }

    /** detectron2's lines for a spreadsheet. */
    private static void logToCopy(EvaluationTask task, Score score) {
        List<String> names = score.percentages().keySet().stream().filter(name -> !name.contains("-")).toList();
        LOG.info("copypaste: Task: {}", task.label());
        LOG.info("copypaste: {}", String.join(",", names));
        LOG.info("copypaste: {}", String.join(",", names.stream().map(name -> asPython(score.percentages().get(name))).toList()));
    }

    private static String asPython(double percent) {
        return Double.isNaN(percent) ? "nan" : String.format(Locale.ROOT, "%.4f", percent);
    }
}
