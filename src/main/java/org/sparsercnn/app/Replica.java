package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.eval.Score;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.Accumulation;
import org.sparsercnn.train.CheckpointHook;
import org.sparsercnn.train.DataWatch;
import org.sparsercnn.train.DeviceWatch;
import org.sparsercnn.train.EvaluationHook;
import org.sparsercnn.train.GeneralFormat;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.LossWindow;
import org.sparsercnn.train.MetricsLog;
import org.sparsercnn.train.NonFiniteGuard;
import org.sparsercnn.train.PreciseBn;
import org.sparsercnn.train.RunMetrics;
import org.sparsercnn.train.Trainer;
import org.sparsercnn.train.TrainingState;
import org.sparsercnn.train.TrainingStep;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** One rank of a training, from start to end. Rank 0 logs, saves and measures. */
final class Replica {
    /** Where a checkpoint's state has the config's text. */
    static final String CONFIG = "config";
    private static final String LOSSES = "losses";
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private final Job job;
    private final Config config;
    private final Collective group;
    private final boolean main;
    private final SparseRcnn model;
    private final TrainingState state;
    private final LossWindow losses = new LossWindow();
    private final Saves saves;
    private RunMetrics metrics; // of rank 0
    private Optional<PreciseBn> precise = Optional.empty();
    /** The iteration after which the model was last measured, and what was found: on rank 0 alone, and if it was not stopped. */
    private long measuredAt = Long.MIN_VALUE;
    private List<Evaluation.Result> measured = List.of();

    private Replica(Job job, Collective group, SparseRcnn model, TrainingState state) {
        this.job = job;
        this.config = job.config();
        this.group = group;
        this.main = group.rank() == 0;
        this.model = model;
        this.state = state;
        this.saves = new Saves(job.folder(), job.checkpoints(), job.best(), this::checkpoint);
    }

    static void run(Job job, Collective group) {
        Rng rng = new Rng(job.seed() + 0x9E3779B97F4A7C15L * (group.rank() + 1));
        try (Device device = job.options().device().open(job.config(), group.rank(), group.size());
                SparseRcnn model = new SparseRcnn(device, job.config().model());
                TrainingState state = new TrainingState(model, job.config(), rng)) {
            new Replica(job, group, model, state).run();
        }
    }

    private void run() {
        if (main) {
            Compute.announce(config, model.device());
            LOG.info("{} parameters, {} of them trained", model.parameters().count(),
                    model.parameters().trainable().stream().mapToLong(p -> p.value().elements()).sum());
        }
        long start = job.start().iteration();
        job.start().fill(model, state, job.seed(), main).ifPresent(saved -> losses.restore(saved.path(LOSSES)));
        if (main) {
            metrics = job.folder().openMetrics(start);
            job.folder().write(config); // not before: a run that is refused leaves an earlier one's config alone
        }
        state.begin(group);
        var step = new TrainingStep(model, state, group, Compute.of(config, model.device()), Accumulation.of(config.solver(), group.size()));
        var guard = new NonFiniteGuard(config.solver().nonfiniteSteps(), step, job.folder().path(), config.dump());
        if (config.test().preciseBn().enabled()) {
            precise = Optional.of(new PreciseBn(model, group, Compute.of(config, model.device()), Accumulation.of(config.solver(), group.size()),
                    config.test().preciseBn().iterations(), i -> job.batchesApart(group.rank(), i)));
        }
        var trainer = new Trainer(step, job.plan(), hooks(), guard);
        DatasetMapper mapper = DatasetMapper.forTraining(config.input(), job.seed());
        try (DataLoader<Sample> loader = Datasets.loader(config.dataLoader(), job.batches(group.rank()).skip(start), job.data(), mapper::map)) {
            if (main) {
                job.interrupts().listen();
            }
            trainer.run(start, loader, job.interrupts()::requested);
        } catch (RuntimeException | Error e) {
            if (main && !guard.stopped() && trainer.done() > start) {
                saveAfter(e, trainer.done());
            }
            throw e;
        }
        finish(trainer.done());
    }

    /** In detectron2's order, the log last. */
    private List<Hook> hooks() {
        List<Hook> hooks = new ArrayList<>();
        precise.ifPresent(_ -> hooks.add(new EvaluationHook(config.test().evalPeriod(), this::refreshStatistics)));
        if (main) {
            hooks.add(losses);
            hooks.add(new CheckpointHook(config.solver().checkpointPeriod(), saves::lost, saves::periodic));
        }
        hooks.add(new EvaluationHook(config.test().evalPeriod(), this::evaluate));
        if (main) {
            hooks.add(new MetricsLog(metrics, losses, () -> model.device().memory().peak()));
            hooks.add(new DataWatch(model.device().runsBehind(), config.dataLoader().numWorkers(), group.size(), Runtime.getRuntime().availableProcessors()));
            hooks.add(new TrainingBar(job.progress(), losses, this::lastScore));
            hooks.addAll(job.course().hooks());
        }
        hooks.add(new DeviceWatch(model.device()::health, main));
        return hooks;
    }

    /** "AP 38.5": the first number of the first data set that was measured. */
    private String lastScore() {
        return measured.isEmpty() ? "" : measured.getFirst().score().percentages().entrySet().stream().findFirst()
                .map(e -> e.getKey() + " " + (Double.isNaN(e.getValue()) ? "n/a" : String.format(Locale.ROOT, "%.1f", e.getValue()))).orElse("");
    }

    private void finish(long done) {
        boolean complete = job.plan().done(done);
        if (complete && done > 0 && measuredAt != done - 1) {
            refreshStatistics(done - 1);
        }
        boolean unsaved = main && done > 0 && !save(done, complete);
        if (!complete) {
            return;
        }
        if (measuredAt != done - 1) {
            evaluate(done - 1);
        }
        try (var _ = state.averaged()) {
            measured.forEach(r -> job.course().evaluated().accept(model, r.set().images(), r.score()));
        }
        if (unsaved) { // an evaluation takes its time: there may be room by now
            saves.last(done - 1, true);
        }
        ExpectedResults.verify(config.test().expectedResults(), measured);
    }

    /** False if it must be tried again, after what is still to do. */
    private boolean save(long done, boolean complete) {
        try {
            Path saved = saves.last(done - 1, complete);
            if (job.interrupts().requested()) {
                LOG.warn("Interrupted after {} iterations; the run is saved as {}", done, saved);
            }
            return true;
        } catch (BadInput e) {
            if (!complete) {
                throw e;
            }
            LOG.warn("{}. It is tried again after the evaluation.", e.getMessage());
            return false;
        }
    }

    /** A run that an image or a disk ended loses nothing; one that diverged keeps its older checkpoints as they are. */
    private void saveAfter(Throwable failure, long done) {
        try {
            Path saved = saves.last(done - 1, false);
            LOG.warn("The run ends early, after {} iterations; it is saved as {}", done, saved);
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    private TrainingCheckpoint checkpoint(long iteration) {
        ObjectNode extra = Json.MAPPER.createObjectNode();
        Categories.put(extra, job.data().categories());
        extra.put(CONFIG, config.dump());
        extra.set(LOSSES, losses.state());
        return state.save(iteration, extra);
    }

    /** Batch norm statistics of the weights that will be evaluated. */
    private void refreshStatistics(long iteration) {
        try (var _ = state.averaged()) {
            precise.ifPresent(p -> p.update(iteration));
        }
    }

    private void evaluate(long iteration) {
        Map<String, Map<String, Double>> validation = Map.of();
        try (var _ = state.averaged()) {
            measured = job.evaluation().run(model, group);
            if (config.test().validationLoss()) {
                validation = job.evaluation().losses(model, group);
            }
        }
        measuredAt = iteration;
        for (Evaluation.Result r : measured) {
            String set = measured.size() > 1 ? r.name() + "/" : ""; // detectron2's names in metrics.json
            Map<String, Double> scalars = new LinkedHashMap<>();
            r.score().percentages().forEach((name, value) -> scalars.put(set + r.task().label() + "/" + name, value));
            metrics.write(iteration, scalars);
        }
        if (main) {
            validation.forEach((set, found) -> writeLosses(iteration, set, found));
        }
        if (config.test().evalPeriod() > 0 && iteration >= 0) { // the only evaluation is always the best
            if (!measured.isEmpty()) {
                Score first = measured.getFirst().score();
                job.best().add(iteration, first.percentages(), first.lowerIsBetter(config.test().bestMetric()), () -> saves.best(iteration));
            }
            group.barrier(); // all ranks learn of an early stop before they ask for it
        }
    }

    private void writeLosses(long iteration, String set, Map<String, Double> found) {
        String prefix = config.datasets().test().size() > 1 ? set + "/" : "";
        Map<String, Double> scalars = new LinkedHashMap<>();
        found.forEach((name, value) -> scalars.put(prefix + name, value));
        LOG.info("Losses on {}: {}", set, found.entrySet().stream().map(e -> e.getKey() + ": " + GeneralFormat.of(e.getValue(), 4))
                .collect(Collectors.joining("  ")));
        metrics.write(iteration, scalars);
    }
}
