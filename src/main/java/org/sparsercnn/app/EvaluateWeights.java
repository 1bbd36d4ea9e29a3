package org.sparsercnn.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.io.LoadedCheckpoint;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.train.MetricsHistory;

/** {@code eval}: a checkpoint's AP on every data set of DATASETS.TEST, and with TEST.AUG once more with test-time augmentation. */
public final class EvaluateWeights {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");

    /**
     * @param strict refuse annotations that need repair
     * @param latest take the latest checkpoint in OUTPUT_DIR where there is one, as {@code train --eval-only --resume} does
     */
    public record Options(DeviceChoice device, boolean strict, boolean latest) {}

    private EvaluateWeights() {}

    public static void run(Environment environment, Config config, Options options) {
        options.device.check(config, 1);
        try (RunFolder folder = RunFolder.open(config); ProgressLine progress = environment.progressLine()) {
            try {
                folder.report(environment);
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
        try (Device device = options.device.open(config, 0, 1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            Compute.announce(config, device);
            LoadedCheckpoint loaded = new Weights(environment).complete(model, weights);
            sets.tests().forEach(test -> Categories.requireOrder(loaded, test.images()));
            if (!Files.exists(folder.path().resolve(MetricsHistory.FILE))) { // else it is a training's, whose config it keeps
                folder.write(config);
            }
            List<Evaluation.Result> results = new ArrayList<>();
            for (EvaluationTask task : config.test().aug().enabled() ? EvaluationTask.values() : new EvaluationTask[] {EvaluationTask.PLAIN}) {
                results.addAll(new Evaluation(task, config, sets.tests(), folder, options.device, () -> false, progress).run(model, LocalGroup.alone()));
            }
            Report.afterRun(folder, config, results);
            ExpectedResults.verify(config.test().expectedResults(), results);
        }
    }
}
