package org.sparsercnn.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
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
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.CheckpointHook;
import org.sparsercnn.train.EvaluationHook;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.MetricsLog;
import org.sparsercnn.train.Plan;
import org.sparsercnn.train.SchedulePlan;
import org.sparsercnn.train.Trainer;
import org.sparsercnn.train.TrainingState;
import org.sparsercnn.train.TrainingStep;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** {@code train}: data, model, optimiser and loop put together; one thread per replica. */
public final class Training {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final int LOG_PERIOD = 20;
    private static final int REPLICA_TIMEOUT_SECONDS = 600;

    /**
     * @param replicas devices that share each batch
     * @param resume continue from OUTPUT_DIR's last checkpoint
     * @param strict refuse annotations that need repair
     */
    public record Options(Devices.Choice devices, int replicas, boolean resume, boolean strict) {}

    private final Config config;
    private final Options options;
    private final Dataset data;
    private final Path output;
    private final Checkpoints checkpoints;
    private final AtomicBoolean interrupted = new AtomicBoolean();
    private Evaluated evaluated = (_, _, _) -> {};

    private Training(Config config, Options options) {
        if (options.replicas < 1) {
            throw BadInput.of("--num-gpus %d: at least 1", options.replicas);
        }
        this.config = config.scaledTo(options.replicas);
        this.options = options;
        this.output = Path.of(config.outputDir());
        this.checkpoints = new Checkpoints(output, 0);
        if (config.datasets().train().isEmpty()) {
            throw new BadInput("DATASETS.TRAIN is empty: name a data set to train on");
        }
        Dataset all = Dataset.concat(config.datasets().train().stream().map(name -> Datasets.load(name, options.strict)).toList());
        Datasets.checkClasses(all, config);
        this.data = config.dataLoader().filterEmptyAnnotations() ? all.withoutEmptyImages() : all;
        Datasets.describe(data);
    }

    /** Trains as the config says; returns the exit code: 0, or 130 or 143 when a signal ended the run after saving. */
    public static int run(Config config, Options options) {
        Training training = new Training(config, options);
        SolverConfig solver = training.config.solver();
        training.writeConfig();
        LOG.info("{}", String.format(Locale.ROOT, "batch %d over %d replica%s, lr %s, %d iterations = %.1f epochs", solver.imsPerBatch(), options.replicas,
                options.replicas == 1 ? "" : "s", solver.baseLr(), solver.maxIter(), (double) solver.maxIter() * solver.imsPerBatch() / training.data.size()));
        return training.train(new SchedulePlan(solver), List.of(new MetricsLog(training.output.resolve("metrics.json"), LOG_PERIOD)));
    }

    /** Called with the trained model after each evaluation at the end of a run. */
    @FunctionalInterface
    interface Evaluated {
        void accept(SparseRcnn model, Dataset dataset, CocoResult result);
    }

    /** Trains by another plan, with hooks of the caller's; for the quickstart. */
    static int run(Config config, Options options, Plan plan, List<Hook> hooks, Evaluated evaluated) {
        Training training = new Training(config, options);
        training.evaluated = evaluated;
        training.writeConfig();
        return training.train(plan, hooks);
    }

    private int train(Plan plan, List<Hook> hooks) {
        try (Interrupts signals = Interrupts.handle(interrupted)) {
            LocalGroup group = new LocalGroup(options.replicas, REPLICA_TIMEOUT_SECONDS);
            List<Throwable> failures = new ArrayList<>();
            List<Thread> others = new ArrayList<>();
            for (int rank = 1; rank < options.replicas; rank++) {
                Collective member = group.member(rank);
                others.add(Thread.ofPlatform().name("replica-" + rank).start(() -> guarded(group, failures, () -> replica(member, plan, List.of()))));
            }
            guarded(group, failures, () -> replica(group.member(0), plan, hooks));
            for (Thread t : others) {
                join(t);
            }
            rethrow(failures);
            if (!interrupted.get()) {
                return 0;
            }
            LOG.warn("Interrupted. The run is saved; continue it with the same command and --resume.");
            return signals.exitCode();
        }
    }

    private static void guarded(LocalGroup group, List<Throwable> failures, Runnable body) {
        try {
            body.run();
        } catch (Throwable e) {
            synchronized (failures) {
                failures.add(e);
            }
            group.abort();
        }
    }

    private static void join(Thread t) {
        try {
            t.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The first failure is the cause; the others are replicas that waited for it in vain. */
    private static void rethrow(List<Throwable> failures) {
        if (!failures.isEmpty()) {
            switch (failures.getFirst()) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
    }

    /** One replica from start to end. Rank 0 logs, saves and evaluates. */
    private void replica(Collective group, Plan plan, List<Hook> given) {
        boolean main = group.rank() == 0;
        Rng rng = new Rng(seed() + 0x9E3779B97F4A7C15L * (group.rank() + 1));
        try (Device device = Devices.open(options.devices, config, group.rank(), group.size());
                SparseRcnn model = new SparseRcnn(device, config.model());
                TrainingState state = new TrainingState(model, config, rng)) {
            if (main) {
                LOG.info("Device: {}; {} parameters, {} of them trained", device.name(), model.parameters().count(),
                        model.parameters().trainable().stream().mapToLong(p -> p.value().elements()).sum());
            }
            Initialization.apply(model, seed());
            Optional<Path> latest = options.resume ? checkpoints.latest() : Optional.empty();
            long start = 0;
            if (latest.isPresent()) {
                start = state.restore(TrainingCheckpoint.read(latest.get()));
                if (main) {
                    LOG.info("Resuming from {} at iteration {}", latest.get(), start);
                }
            } else if (main) {
                Weights.start(model, config.model().weights());
            }
            state.broadcast(group);
            TrainingStep step = new TrainingStep(model, state.optimizer(), group, rng);
            List<Hook> hooks = new ArrayList<>(given);
            if (main) {
                hooks.add(new CheckpointHook(config.solver().checkpointPeriod(), i -> checkpoints.savePeriodic(checkpoint(state, i))));
                hooks.add(new EvaluationHook(config.test().evalPeriod(), _ -> evaluate(model)));
            }
            long done = start;
            var batches = AspectRatioGrouping.over(data.images(), config.dataLoader().aspectRatioGrouping(), seed(), config.solver().imsPerBatch(),
                    group.rank(), group.size()).skip(start);
            DatasetMapper mapper = DatasetMapper.forTraining(config.input(), seed());
            try (DataLoader<Sample> loader = new DataLoader<>(batches, draw -> mapper.map(data.images().get(draw.index()), draw.epoch()),
                    config.dataLoader().numWorkers())) {
                var trainer = new Trainer(step, loader, plan, hooks, config.solver().nonfiniteSteps(), () -> device.memory().peak());
                done = trainer.run(start, interrupted::get);
            }
            if (main) {
                finish(state, model, done, plan.done(done));
            }
            group.barrier();
        }
    }

    private void finish(TrainingState state, SparseRcnn model, long done, boolean complete) {
        if (done > 0) {
            if (complete) {
                checkpoints.saveFinal(checkpoint(state, done - 1));
            } else {
                checkpoints.savePeriodic(checkpoint(state, done - 1));
            }
        }
        if (complete) {
            evaluate(model);
        }
    }

    private TrainingCheckpoint checkpoint(TrainingState state, long iteration) {
        ObjectNode extra = Json.MAPPER.createObjectNode();
        Categories.put(extra, data.categories());
        extra.put("config", config.dump());
        return state.save(iteration, extra);
    }

    private void evaluate(SparseRcnn model) {
        for (String name : config.datasets().test()) {
            Dataset set = Datasets.load(name, options.strict);
            Datasets.checkClasses(set, config);
            CocoResult result = new Evaluation(config, Runtime.getRuntime().availableProcessors())
                    .run(model, set, output.resolve("inference").resolve(name));
            evaluated.accept(model, set, result);
            Map<String, Double> percentages = result.percentages();
            LOG.info("{}", EvaluateWeights.copyPaste(percentages));
            Evaluation.verifyExpected(config.test().expectedResults(), percentages);
        }
    }

    /** SEED below 0 means a new one each run, in detectron2; here it is a fixed one, so that runs can be repeated. */
    private long seed() {
        return Math.max(0, config.seed());
    }

    private void writeConfig() {
        Path file = output.resolve("config.yaml");
        try {
            AtomicFiles.write(file, out -> out.write(config.dump().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; choose another OUTPUT_DIR", e);
        }
        LOG.info("Full config saved to {}", file);
    }

    /** SIGINT and SIGTERM ask the loop to stop after the step; the JVM then waits until everything is saved. */
    private static final class Interrupts implements AutoCloseable {
        private final CountDownLatch saved = new CountDownLatch(1);
        private final Thread hook;
        private volatile int exitCode = 130;

        private Interrupts(AtomicBoolean flag) {
            hook = new Thread(() -> {
                flag.set(true);
                try {
                    saved.await(REPLICA_TIMEOUT_SECONDS, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }, "finish-step");
        }

        static Interrupts handle(AtomicBoolean flag) {
            Interrupts i = new Interrupts(flag);
            Runtime.getRuntime().addShutdownHook(i.hook);
            return i;
        }

        int exitCode() {
            return exitCode;
        }

        @Override
        public void close() {
            saved.countDown();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                LOG.debug("the JVM is already going down", e);
            }
        }
    }
}
