package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.Accumulation;
import org.sparsercnn.train.CheckpointHook;
import org.sparsercnn.train.DataWatch;
import org.sparsercnn.train.DeviceWatch;
import org.sparsercnn.train.EvaluationHook;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.LossWindow;
import org.sparsercnn.train.MetricsLog;
import org.sparsercnn.train.NonFiniteGuard;
import org.sparsercnn.train.RunMetrics;
import org.sparsercnn.train.Trainer;
import org.sparsercnn.train.TrainingState;
import org.sparsercnn.train.TrainingStep;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;
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

    private Replica(Job job, Collective group, SparseRcnn model, TrainingState state) {
        this.job = job;
        this.config = job.config();
        this.group = group;
        this.main = group.rank() == 0;
        this.model = model;
        this.state = state;
        this.saves = new Saves(job.folder(), job.checkpoints(), job.best(), this::checkpoint);
    }

    static void run(Job job, Groups groups, int rank, Consumer<Throwable> failed) {
        Rng rng = new Rng(job.seed() + 0x9E3779B97F4A7C15L * (rank + 1));
        // The group is left first: sums that have begun work on memory of the others.
        try (Device device = job.options().device().open(job.config(), rank, job.options().replicas());
                SparseRcnn model = new SparseRcnn(device, job.config().model());
                TrainingState state = new TrainingState(model, job.config(), rng);
                Collective group = groups.join(rank, device)) {
            try {
                new Replica(job, group, model, state).run();
            } catch (RuntimeException | Error e) {
                failed.accept(e);
                throw e;
            }
        }
    }

    private void run() {
        if (main) {
            Compute.announce(config, model.device());
            long trained = model.parameters().trainable().stream().mapToLong(p -> p.value().elements()).sum();
            LOG.info("{}", String.format(Locale.ROOT, "%,d parameters, %,d of them trained", model.parameters().count(), trained));
        }
        long start = job.start().iteration();
        job.start().fill(model, state, job.seed(), main).ifPresent(saved -> losses.restore(saved.path(LOSSES)));
        if (main && start > 0 && job.course().plan().done(start)) {
            LOG.info("The run is complete ({}): nothing is left to train, only to measure. A larger SOLVER.MAX_ITER goes on.", job.course().plan().length());
        }
        RunMetrics metrics = null; // of rank 0
        if (main) {
            metrics = job.folder().openMetrics(start);
            job.folder().write(config); // not before: a run that is refused leaves an earlier one's config alone
        }
        state.begin(group);
        Measuring measuring = new Measuring(job, group, model, state, metrics, saves);
        var step = new TrainingStep(model, state, group, Compute.of(config, model.device()), Accumulation.of(config.solver(), group.size()));
        var guard = new NonFiniteGuard(config.solver().nonfiniteSteps(), step, job.folder().path(), config.dump());
        var trainer = new Trainer(step, job.plan(), hooks(measuring, metrics), guard);
        DatasetMapper mapper = DatasetMapper.forTraining(config.input(), job.seed());
        try (DataLoader<Sample> loader = Datasets.loader(config.dataLoader(), job.batches(group.rank()).skip(start), job.data(), mapper::map)) {
            if (main) {
                job.interrupts().listen();
            }
            trainer.run(start, loader, job.interrupts()::requested);
        } catch (RuntimeException | Error e) {
            boolean sumsLost = e instanceof GuardStop && model.device().runsBehind(); // and steps taken with what was left of them
            if (main && !guard.stopped() && !sumsLost && trainer.done() > start) {
                saveAfter(e, trainer.done());
            }
            throw e;
        }
        finish(trainer.done(), measuring);
    }

    /** In detectron2's order, the log last. */
    private List<Hook> hooks(Measuring measuring, RunMetrics metrics) {
        List<Hook> hooks = new ArrayList<>();
        hooks.add(new EvaluationHook(config.test().evalPeriod(), measuring::refreshStatistics)); // first, so that they are saved
        if (main) {
            hooks.add(losses);
            hooks.add(new CheckpointHook(config.solver().checkpointPeriod(), saves::lost, saves::periodic));
        }
        hooks.add(new EvaluationHook(config.test().evalPeriod(), measuring::measure));
        if (main) {
            hooks.add(new MetricsLog(metrics, losses, () -> model.device().memory().peak()));
            hooks.add(new DataWatch(model.device().runsBehind(), config.dataLoader().numWorkers(), group.size(), Runtime.getRuntime().availableProcessors()));
            hooks.add(new TrainingBar(job.progress(), losses, measuring::lastScore));
            hooks.addAll(job.course().hooks());
        }
        hooks.add(new DeviceWatch(model.device()::health, main, (row, iteration) -> {
            if (main) {
                metrics.write(iteration, row);
            }
        }));
        return hooks;
    }

    private void finish(long done, Measuring measuring) {
        boolean complete = job.plan().done(done);
        boolean measured = measuring.isDone(done - 1);
        if (complete && done > 0 && !measured) {
            measuring.refreshStatistics(done - 1);
        }
        boolean unsaved = main && done > 0 && !save(done, complete);
        if (!complete) {
            return;
        }
        if (!measured) {
            measuring.measure(done - 1);
        }
        measuring.show(job.course().evaluated());
        if (unsaved) { // an evaluation takes its time: there may be room by now
            saves.last(done - 1, true);
        }
        if (main) {
            Report.afterRun(job.folder(), config, measuring.results());
        }
        ExpectedResults.verify(config.test().expectedResults(), measuring.results());
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
            LOG.warn("The run ends early, after iteration {}; it is saved as {}", done - 1, saved);
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
}
