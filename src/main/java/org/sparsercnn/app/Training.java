package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.TestConfig;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.dist.World;
import org.sparsercnn.eval.Score;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.Accumulation;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.Plan;
import org.sparsercnn.train.SchedulePlan;
import org.sparsercnn.util.BadInput;

/** {@code train}: data, model, optimiser and loop put together; one thread per {@link Replica}. */
public final class Training {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    /**
     * @param world the ranks that share each batch
     * @param start what the run begins with
     * @param strict refuse annotations that need repair
     */
    public record Options(DeviceChoice device, World world, Start start, boolean strict) {
        int replicas() {
            return world.size();
        }
    }

    /**
     * How a run goes and who watches it.
     *
     * @param hooks the caller's own, after each step
     * @param evaluated is shown what the end of the run brought
     */
    record Course(Plan plan, List<Hook> hooks, Evaluated evaluated) {}

    /** Called with the trained model for each data set it was measured on. */
    @FunctionalInterface
    interface Evaluated {
        void accept(SparseRcnn model, Dataset dataset, Score score);
    }

    private Training() {}

    /** Trains as the config says; returns the exit code: 0, or 130 or 143 when a signal ended the run after saving. */
    public static int run(Environment environment, Config config, Options options) {
        Config scaled = config.scaledTo(options.replicas()).withScaledLr();
        Course course = new Course(new SchedulePlan(scaled.solver()), List.of(), (_, _, _) -> {});
        try (Interrupts interrupts = Interrupts.ofTraining(options.world.isShared())) {
            int code = run(environment, config, scaled, options, course, interrupts);
            if (code != 0) {
                LOG.warn("Continue it with the same command and --resume{}.", options.start instanceof Start.InitFrom ? " instead of --init-from" : "");
            }
            return code;
        }
    }

    /** The same by another plan and with hooks of the caller's; the config's learning rate counts as it is. */
    static int run(Environment environment, Config config, Options options, Course course, Interrupts interrupts) {
        return run(environment, config, config, options, course, interrupts);
    }

    private static int run(Environment environment, Config given, Config config, Options options, Course course, Interrupts interrupts) {
        Launch launch = options.world.launch();
        options.device.check(config, launch);
        try (RunFolder folder = RunFolder.openForTraining(config, launch); ProgressLine progress = environment.progressLine(launch.isMain())) {
            try {
                folder.report(environment);
                options.world.tell();
                Job job = prepare(environment, config, options, course, interrupts, folder, progress);
                new Outlook(given, job.config(), options.replicas(), course.plan.length(), job.data().size(), job.evaluation().names(),
                        job.start().iteration()).log();
                Ranks.run(options.world, rank -> Replica.run(job, rank));
                return interrupts.requested() ? interrupts.exitCode() : 0;
            } catch (RuntimeException e) {
                throw folder.failed(e);
            }
        }
    }

    /** Whatever can be refused is refused here, before anything expensive starts. */
    private static Job prepare(Environment environment, Config given, Options options, Course course, Interrupts interrupts, RunFolder folder,
            ProgressLine progress) {
        refuseBlindStop(given.test(), given.datasets().test());
        // Test sets too: one that is missing or does not fit must not show after days of training.
        Datasets sets = Datasets.forTraining(environment, given, options.strict);
        Config config = sets.config();
        Dataset data = sets.training().orElseThrow();
        refuseUnknownMetric(config, sets.tests());
        Evaluation evaluation = new Evaluation(EvaluationTask.PLAIN, config, sets.tests(), folder, options.device, interrupts::requested, progress);
        Checkpoints checkpoints = folder.checkpoints();
        BestScore best = new BestScore(config.test(), folder.path());
        StartingPoint start = new StartingPoint(config, options.start, new Weights(environment), checkpoints, data.categories());
        if (start.iteration() > 0) {
            checkpoints.resumedAt(start.iteration() - 1);
            best.resumedAt(start.iteration() - 1);
        }
        Job job = new Job(config, options, course, new StoppablePlan(course.plan, best::stop), interrupts, folder, checkpoints, best, data,
                evaluation, start, progress);
        job.batches(0); // refuses a batch that cannot be divided
        Accumulation.of(config.solver(), options.replicas()); // or cut
        return job;
    }

    private static void refuseBlindStop(TestConfig test, List<String> sets) {
        if (test.earlyStop() > 0 && (test.evalPeriod() == 0 || test.bestMetric().isEmpty() || sets.isEmpty())) {
            throw BadInput.of("TEST.EARLY_STOP %d counts evaluations without a better TEST.BEST_METRIC; set %s", test.earlyStop(),
                    test.evalPeriod() == 0 ? "TEST.EVAL_PERIOD to the steps between evaluations" : sets.isEmpty() ? "DATASETS.TEST"
                            : "TEST.BEST_METRIC, such as AP");
        }
    }

    /** Known now, not after the first evaluation. */
    private static void refuseUnknownMetric(Config config, List<Datasets.TestSet> sets) {
        TestConfig test = config.test();
        if (test.evalPeriod() > 0 && !test.bestMetric().isEmpty() && !sets.isEmpty()) {
            Datasets.TestSet first = sets.getFirst();
            List<String> known = new ArrayList<>(Score.names(first.metric(), first.images().categories()));
            if (test.validationLoss()) {
                known.add(BestScore.LOSSES + "total_loss");
                new SetCriterion(config.model().sparseRcnn()).names().forEach(name -> known.add(BestScore.LOSSES + name));
            }
            if (!known.contains(test.bestMetric())) {
                throw BadInput.of("TEST.BEST_METRIC %s: no such number is measured on %s; one of %s, or '' for none%s", test.bestMetric(), first.name(),
                        String.join(", ", known), test.bestMetric().startsWith(BestScore.LOSSES) && !test.validationLoss()
                                ? "; losses are measured with TEST.VALIDATION_LOSS True" : "");
            }
        }
    }
}
