package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.BadInput;

/** {@code eval}: a checkpoint's AP on every data set of DATASETS.TEST. */
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
        if (config.datasets().test().isEmpty()) {
            throw new BadInput("DATASETS.TEST is empty: name a data set to evaluate on, such as DATASETS.TEST \"('coco_2017_val',)\"");
        }
        try (RunFolder folder = RunFolder.open(config)) {
            try {
                evaluate(environment, config, options, folder);
            } catch (RuntimeException e) {
                throw folder.failed(e);
            }
        }
    }

    private static void evaluate(Environment environment, Config config, Options options, RunFolder folder) {
        List<Datasets.TestSet> sets = new Datasets(environment, config, options.strict).tests();
        String given = config.model().weights();
        String weights = options.latest ? folder.checkpoints().latest().map(Path::toString).orElse(given) : given;
        try (Device device = options.device.open(config, 0, 1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            Compute.announce(config, device);
            new Weights(environment).complete(model, weights);
            Evaluation evaluation = new Evaluation(config, sets, folder, options.device, () -> false);
            ExpectedResults.verify(config.test().expectedResults(), evaluation.run(model, LocalGroup.alone()));
        }
    }
}
