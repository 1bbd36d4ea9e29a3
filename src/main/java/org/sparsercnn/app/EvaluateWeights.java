package org.sparsercnn.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.dist.World;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.train.MetricsHistory;

/** {@code eval}: a checkpoint's AP on every data set of DATASETS.TEST, and with TEST.AUG once more with test-time augmentation. */
public final class EvaluateWeights {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");

    /**
     * @param world the ranks that share the images
     * @param strict refuse annotations that need repair
     * @param latest take the latest checkpoint in OUTPUT_DIR where there is one, as {@code train --eval-only --resume} does
     */
    public record Options(DeviceChoice device, World world, boolean strict, boolean latest) {}

    private EvaluateWeights() {}

    public static void run(Environment environment, Config config, Options options) {
        Launch launch = options.world.launch();
        options.device.check(config, launch);
        try (RunFolder folder = RunFolder.open(config, launch); ProgressLine progress = environment.progressLine(launch.isMain())) {
            try {
                folder.report(environment);
                options.world.tell();
                evaluate(environment, config, options, folder, progress);
            } catch (RuntimeException e) {
                throw folder.failed(e);
            }
        }
    }

    private static void evaluate(Environment environment, Config given, Options options, RunFolder folder, ProgressLine progress) {
        Datasets sets = Datasets.forEvaluation(environment, given, options.strict);
        Config config = sets.config();
        String named = config.model().weights();
        String weights = options.latest ? folder.checkpoints().latest().map(Path::toString).orElse(named) : named;
        Ranks.run(options.world, rank -> {
            try (Device device = rank.open(options.device, config); SparseRcnn model = new SparseRcnn(device, config.model());
                    Collective group = rank.join(device)) {
                rank.guard(() -> {
                    Agreement alike = new Agreement(config);
                    sets.tests().forEach(test -> alike.with(test.images()));
                    alike.require(device, group);
                    if (rank.isMain()) {
                        Compute.announce(config, device);
                        LoadedCheckpoint loaded = new Weights(environment).complete(model, weights);
                        sets.tests().forEach(test -> Categories.requireOrder(loaded, test.images()));
                        if (!Files.exists(folder.path().resolve(MetricsHistory.FILE))) { // else it is a training's, whose config it keeps
                            folder.write(config);
                        }
                    }
                    for (Parameter p : model.parameters().all()) {
                        group.broadcast(p.value(), p.value().bytes(), 0);
                    }
                    options.world.begin(rank.number());
                    List<Evaluation.Result> results = measure(config, options, folder, progress, sets, model, group);
                    group.alone(() -> {
                        if (rank.isMain()) {
                            Report.afterRun(folder, config, results);
                        }
                        ExpectedResults.verify(config.test().expectedResults(), results);
                    });
                    group.barrier();
                });
            }
        });
    }

    private static List<Evaluation.Result> measure(Config config, Options options, RunFolder folder, ProgressLine progress, Datasets sets, SparseRcnn model,
            Collective group) {
        List<Evaluation.Result> results = new ArrayList<>();
        for (EvaluationTask task : config.test().aug().enabled() ? EvaluationTask.values() : new EvaluationTask[] {EvaluationTask.PLAIN}) {
            results.addAll(new Evaluation(task, config, sets.tests(), folder, options.device, () -> false, progress).run(model, group));
        }
        return results;
    }
}
