package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.SolverConfig;
import org.sparsercnn.data.AspectRatioGrouping;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.data.DatasetMapper;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.eval.Score;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.train.Accumulation;
import org.sparsercnn.train.CheckpointHook;
import org.sparsercnn.train.DataWatch;
import org.sparsercnn.train.DeviceWatch;
import org.sparsercnn.train.EvaluationHook;
import org.sparsercnn.train.GeneralFormat;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.MetricsLog;
import org.sparsercnn.train.NonFiniteGuard;
import org.sparsercnn.train.Plan;
import org.sparsercnn.train.RunMetrics;
import org.sparsercnn.train.SchedulePlan;
import org.sparsercnn.train.Trainer;
import org.sparsercnn.train.TrainingState;
import org.sparsercnn.train.TrainingStep;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** {@code train}: data, model, optimiser and loop put together; one thread per replica. */
public final class Training {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    /**
     * @param replicas devices that share each batch
     * @param resume continue from OUTPUT_DIR's last checkpoint
     * @param strict refuse annotations that need repair
     */
    public record Options(DeviceChoice device, int replicas, boolean resume, boolean strict) {}

    /**
     * How a run goes and who watches it.
     *
     * @param logs whether there is a line on the screen now and then
     * @param hooks the caller's own, after each step
     * @param evaluated is shown what the end of the run brought
     */
    record Course(Plan plan, boolean logs, List<Hook> hooks, Evaluated evaluated) {}

    /** Called with the trained model for each data set it was measured on. */
    @FunctionalInterface
    interface Evaluated {
        void accept(SparseRcnn model, Dataset dataset, Score score);
    }

    private final Config config;
    private final Options options;
    private final Course course;
    private final Interrupts interrupts;
    private final RunFolder folder;
    private final Checkpoints checkpoints;
    private final Weights weights;
    private final Dataset data;
    private final Evaluation evaluation;
    private RunMetrics metrics; // of rank 0

    private Training(Environment environment, Config config, Options options, Course course, Interrupts interrupts, RunFolder folder) {
        refuseSyncBn(config, options.replicas);
        Datasets sets = Datasets.forTraining(environment, config, options.strict); // test sets too: one that is missing must not show after days
        this.config = sets.config();
        this.options = options;
        this.course = course;
        this.interrupts = interrupts;
        this.folder = folder;
        this.checkpoints = folder.checkpoints();
        this.weights = new Weights(environment);
        this.data = sets.training().orElseThrow();
        batches(0, options.replicas); // refuses a batch that cannot be divided
        Accumulation.of(this.config.solver(), options.replicas); // or cut
        this.evaluation = new Evaluation(this.config, sets.tests(), folder, options.device, interrupts::requested);
    }

    private static void refuseSyncBn(Config config, int replicas) {
        for (String key : List.of("MODEL.RESNETS.NORM", "MODEL.FPN.NORM")) {
            if (replicas > 1 && config.valueOf(key).equals("'SyncBN'")) {
                throw BadInput.of("%s is SyncBN and --num-gpus %d: statistics over replicas are not in this version; use BN, FrozenBN or GN, or"
                        + " one replica", key, replicas);
            }
        }
    }

    /** Trains as the config says; returns the exit code: 0, or 130 or 143 when a signal ended the run after saving. */
    public static int run(Environment environment, Config config, Options options) {
        Config scaled = config.scaledTo(options.replicas);
        Course course = new Course(new SchedulePlan(scaled.solver()), true, List.of(), (_, _, _) -> {});
        try (Interrupts interrupts = Interrupts.ofProcess()) {
            int code = run(environment, scaled, options, course, interrupts);
            if (code != 0) {
                LOG.warn("Continue it with the same command and --resume.");
            }
            return code;
        }
    }

    /** The same by another plan and with hooks of the caller's. */
    static int run(Environment environment, Config config, Options options, Course course, Interrupts interrupts) {
        options.device.check(config, options.replicas);
        try (RunFolder folder = RunFolder.open(config)) {
            try {
                folder.report(environment);
                return new Training(environment, config, options, course, interrupts, folder).train();
            } catch (RuntimeException e) {
                throw folder.failed(e);
            }
        }
    }

    private int train() {
        SolverConfig solver = config.solver();
        LOG.info("{}", String.format(Locale.ROOT, "batch %d over %d replica%s, lr %s, %s; an epoch is %.1f", solver.imsPerBatch(), options.replicas,
                options.replicas == 1 ? "" : "s", GeneralFormat.of(solver.baseLr(), 6), course.plan.length(), (double) data.size() / solver.imsPerBatch()));
        Replicas.run(options.replicas, this::replica);
        return interrupts.requested() ? interrupts.exitCode() : 0;
    }

    /** One replica from start to end. Rank 0 logs and saves. */
    private void replica(Collective group) {
        boolean main = group.rank() == 0;
        Rng rng = new Rng(seed() + 0x9E3779B97F4A7C15L * (group.rank() + 1));
        try (Device device = options.device.open(config, group.rank(), group.size());
                SparseRcnn model = new SparseRcnn(device, config.model());
                TrainingState state = new TrainingState(model, config, rng)) {
            if (main) {
                Compute.announce(config, device);
                LOG.info("{} parameters, {} of them trained", model.parameters().count(),
                        model.parameters().trainable().stream().mapToLong(p -> p.value().elements()).sum());
            }
            long start = start(model, state, main);
            if (main) {
                metrics = folder.openMetrics(start);
                folder.writeConfig(config); // not before: a run that is refused leaves an earlier one's config alone
            }
            state.begin(group);
            var guard = new NonFiniteGuard(config.solver().nonfiniteSteps(), model, state);
            var step = new TrainingStep(model, state, group, Compute.of(config, device), Accumulation.of(config.solver(), group.size()));
            var trainer = new Trainer(step, course.plan, hooks(model, state, group), guard);
            DatasetMapper mapper = DatasetMapper.forTraining(config.input(), seed());
            try (DataLoader<Sample> loader = Datasets.loader(config.dataLoader(), batches(group.rank(), group.size()).skip(start), data, mapper::map)) {
                if (main) {
                    interrupts.listen();
                }
                trainer.run(start, loader, interrupts::requested);
            } catch (RuntimeException | Error e) {
                if (main && !guard.stopped() && trainer.done() > start) {
                    saveAfter(e, state, trainer.done());
                }
                throw e;
            }
            finish(model, state, group, trainer.done());
        }
    }

    /** Fills the model: from the last checkpoint when resuming, else from MODEL.WEIGHTS; returns the first iteration. */
    private long start(SparseRcnn model, TrainingState state, boolean main) {
        Initialization.apply(model, seed());
        Optional<Path> latest = options.resume ? checkpoints.latest() : Optional.empty();
        if (latest.isPresent()) {
            long start = restore(model, state, latest.get());
            if (main) {
                LOG.info("Resuming from {} at iteration {}", latest.get(), start);
            }
            return start;
        }
        if (main) {
            if (options.resume) {
                LOG.info("--resume: no checkpoint in {} yet", folder.path());
            }
            weights.start(model, config.model().weights());
        }
        return 0;
    }

    private static long restore(SparseRcnn model, TrainingState state, Path file) {
        TrainingCheckpoint checkpoint = TrainingCheckpoint.read(file);
        Set<String> foreign = new HashSet<>(checkpoint.model().tensors().keySet());
        model.parameters().all().stream().map(Parameter::name).forEach(foreign::remove);
        if (!foreign.isEmpty()) {
            throw BadInput.of("%s: the checkpoint does not fit this config: it has %s, the model has not. Resume with the config the run was"
                    + " started with, or start anew with MODEL.WEIGHTS.", file, foreign.stream().sorted().findFirst().orElseThrow());
        }
        try {
            return state.restore(checkpoint);
        } catch (BadInput e) {
            throw new BadInput(file + ": " + e.getMessage(), e);
        }
    }

    /** In detectron2's order, the log last. */
    private List<Hook> hooks(SparseRcnn model, TrainingState state, Collective group) {
        List<Hook> hooks = new ArrayList<>();
        boolean main = group.rank() == 0;
        if (main) {
            hooks.add(new CheckpointHook(config.solver().checkpointPeriod(), i -> checkpoints.savePeriodic(checkpoint(state, i))));
        }
        hooks.add(new EvaluationHook(config.test().evalPeriod(), i -> evaluate(model, group, i)));
        if (main) {
            hooks.add(new MetricsLog(metrics, course.logs, () -> model.device().memory().peak()));
            hooks.add(new DataWatch(model.device().runsBehind(), config.dataLoader().numWorkers(), group.size(), Runtime.getRuntime().availableProcessors()));
            hooks.addAll(course.hooks);
        }
        hooks.add(new DeviceWatch(model.device()::health, main && course.logs));
        return hooks;
    }

    private AspectRatioGrouping batches(int rank, int world) {
        return AspectRatioGrouping.over(data.images(), config.dataLoader().aspectRatioGrouping(), seed(), config.solver().imsPerBatch(), rank, world);
    }

    private void finish(SparseRcnn model, TrainingState state, Collective group, long done) {
        boolean main = group.rank() == 0;
        boolean complete = course.plan.done(done);
        if (main && done > 0) {
            TrainingCheckpoint last = checkpoint(state, done - 1);
            Path saved = complete ? checkpoints.saveFinal(last) : checkpoints.savePeriodic(last);
            if (interrupts.requested()) {
                LOG.warn("Interrupted after {} iterations; the run is saved as {}", done, saved);
            }
        }
        if (complete) {
            List<Evaluation.Result> results = evaluate(model, group, done - 1);
            results.forEach(r -> course.evaluated.accept(model, r.set().images(), r.score()));
            ExpectedResults.verify(config.test().expectedResults(), results);
        }
    }

    /** A run that an image or a disk ended loses nothing; one that diverged keeps its older checkpoints as they are. */
    private void saveAfter(Throwable failure, TrainingState state, long done) {
        try {
            Path saved = checkpoints.savePeriodic(checkpoint(state, done - 1));
            LOG.warn("The run ends early, after {} iterations; it is saved as {}", done, saved);
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    private TrainingCheckpoint checkpoint(TrainingState state, long iteration) {
        ObjectNode extra = Json.MAPPER.createObjectNode();
        Categories.put(extra, data.categories());
        extra.put("config", config.dump());
        return state.save(iteration, extra);
    }

    private List<Evaluation.Result> evaluate(SparseRcnn model, Collective group, long iteration) {
        List<Evaluation.Result> results = evaluation.run(model, group);
        for (Evaluation.Result r : results) {
            String prefix = results.size() > 1 ? r.name() + "/bbox/" : "bbox/"; // detectron2's names in metrics.json
            Map<String, Double> scalars = new LinkedHashMap<>();
            r.score().percentages().forEach((name, value) -> scalars.put(prefix + name, value));
            metrics.write(iteration, scalars);
        }
        return results;
    }

    /**
     * SEED. detectron2 takes a new one each run where it is negative; here that is 0, so that a run can be repeated and resumed:
     * batches and augmentation are functions of the seed and the position.
     */
    private long seed() {
        return Math.max(0, config.seed());
    }
}
