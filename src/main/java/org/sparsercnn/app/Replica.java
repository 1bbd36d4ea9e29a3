package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.dist.HostData;
import org.sparsercnn.dist.World;
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
import org.sparsercnn.train.Reduction;
import org.sparsercnn.train.ReplicaCheck;
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
    private final World world;
    private final Collective group;
    private final HostData words;
    private final boolean main;
    private final SparseRcnn model;
    private final TrainingState state;
    private final LossWindow losses = new LossWindow();
    private final ReplicaCheck check;
    private final Saves saves;

    private Replica(Job job, World world, Collective group, SparseRcnn model, TrainingState state) {
        this.job = job;
        this.config = job.config();
        this.world = world;
        this.group = group;
        this.words = new HostData(model.device(), group);
        this.main = group.rank() == 0;
        this.model = model;
        this.state = state;
        this.check = new ReplicaCheck(config.solver().replicas().checkPeriod(), state, model.device(), group);
        this.saves = new Saves(job.folder(), job.checkpoints(), job.best(), this::saved);
    }

    static void run(Job job, Ranks.Rank rank) {
        Rng rng = new Rng(job.seed() + 0x9E3779B97F4A7C15L * (rank.number() + 1));
        // The group is left first: sums that have begun work on memory of the others.
        try (Device device = rank.open(job.options().device(), job.config());
                SparseRcnn model = new SparseRcnn(device, job.config().model());
                TrainingState state = new TrainingState(model, job.config(), rng);
                Collective group = rank.join(device)) {
            rank.guard(() -> {
                new Agreement(job.config()).with(job.data()).with("the first iteration", "" + job.start().iteration()).require(device, group);
                new Replica(job, rank.world(), group, model, state).run();
            });
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
        try (var step = new TrainingStep(model, state, group, Compute.of(config, model.device()), Accumulation.of(config.solver(), group.size()),
                Reduction.of(config.solver().replicas()))) {
            train(start, step, measuring, metrics);
        }
    }

    private void train(long start, TrainingStep step, Measuring measuring, RunMetrics metrics) {
        var guard = new NonFiniteGuard(config.solver().nonfiniteSteps(), step, job.folder().path(), config.dump());
        var trainer = new Trainer(step, job.plan(), hooks(measuring, metrics), guard);
        DatasetMapper mapper = DatasetMapper.forTraining(config.input(), job.seed());
        try (DataLoader<Sample> loader = Datasets.loader(config.dataLoader(), job.batches(group.rank()).skip(start), job.data(), mapper::map)) {
            if (world.launch().first() == group.rank()) { // one of this process's
                job.interrupts().listen();
            }
            world.begin(group.rank());
            trainer.run(start, loader, job.interrupts()::requested);
        } catch (RuntimeException | Error e) {
            boolean hurried = world.isShared() && world.failure().isPresent(); // what lost another rank may end this process any time
            boolean sumsLost = e instanceof GuardStop && model.device().runsBehind(); // and steps taken with what was left of them
            if (main && !guard.stopped() && !check.stopped() && !hurried && !sumsLost && trainer.done() > start) {
                group.alone(() -> saveAfter(e, trainer.done()));
            }
            world.fail(group.rank(), e);
            group.close(); // before the step: sums that have begun work on its buckets
            throw e;
        }
        finish(trainer.done(), measuring);
    }

    /** In detectron2's order, the log last. */
    private List<Hook> hooks(Measuring measuring, RunMetrics metrics) {
        List<Hook> hooks = new ArrayList<>();
        hooks.add(check); // before anything is saved
        hooks.add(new EvaluationHook(config.test().evalPeriod(), measuring::refreshStatistics)); // so that they are saved
        if (main) {
            hooks.add(losses);
        }
        hooks.add(new CheckpointHook(config.solver().checkpointPeriod(), () -> main && saves.lost(), this::checkpoint));
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
        check.atEnd(done - 1);
        boolean complete = job.plan().done(done);
        boolean measured = measuring.isDone(done - 1);
        if (complete && done > 0 && !measured) {
            measuring.refreshStatistics(done - 1);
        }
        boolean unsaved = done > 0 && !agreed(() -> save(done, complete));
        if (!complete) {
            agreeOnSignal();
            return;
        }
        if (!measured) {
            measuring.measure(done - 1);
        }
        measuring.show(job.course().evaluated());
        group.alone(() -> {
            if (main && unsaved) { // an evaluation takes its time: there may be room by now
                saves.last(done - 1, true);
            }
            if (main) {
                Report.afterRun(job.folder(), config, measuring.results());
            }
            ExpectedResults.verify(config.test().expectedResults(), measuring.results());
        });
        group.barrier();
    }

    /** The one that stopped the run may have come to another process. */
    private void agreeOnSignal() {
        for (byte[] other : words.gather(new byte[] {(byte) job.interrupts().signal()})) {
            job.interrupts().follow(other[0]);
        }
    }

    /** Every rank comes here at the steps that are planned; rank 0 alone where the earlier checkpoints were lost. */
    private void checkpoint(long iteration) {
        if ((iteration + 1) % config.solver().checkpointPeriod() != 0) {
            group.alone(() -> saves.periodic(iteration));
        } else if (!agreed(() -> saves.periodic(iteration)) && !main) {
            LOG.warn("Rank 0 could not write the checkpoint of iteration {}", iteration);
        }
    }

    /** Rank 0 writes; all learn whether it could, and go on no sooner. */
    private boolean agreed(BooleanSupplier write) {
        byte[] word = new byte[1];
        if (main) {
            group.alone(() -> word[0] = (byte) (write.getAsBoolean() ? 1 : 0));
        }
        return words.share(word, 0)[0] == 1;
    }

    /** False if it must be tried again, after what is still to do. */
    private boolean save(long done, boolean complete) {
        try {
            Path saved = saves.last(done - 1, complete);
            if (!complete) {
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

    private TrainingCheckpoint saved(long iteration) {
        ObjectNode extra = Json.MAPPER.createObjectNode();
        Categories.put(extra, job.data().categories());
        extra.put(CONFIG, config.dump());
        extra.set(LOSSES, losses.state());
        return state.save(iteration, extra);
    }
}
