package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Dataset;
import org.sparsercnn.device.Device;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.BadInput;

/** {@code eval}: a checkpoint's AP on every data set of DATASETS.TEST. */
public final class EvaluateWeights {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.eval");

    private EvaluateWeights() {}

    /** @param latest take the latest checkpoint in OUTPUT_DIR where there is one, as {@code --eval-only --resume} does */
    public static void run(Config config, Devices.Choice devices, boolean strict, boolean latest) {
        if (config.datasets().test().isEmpty()) {
            throw new BadInput("DATASETS.TEST is empty: name a data set to evaluate on");
        }
        Path output = Path.of(config.outputDir());
        List<Dataset> sets = config.datasets().test().stream().map(name -> Datasets.load(name, strict)).toList();
        String weights = latest ? new Checkpoints(output, 0).latest().map(Path::toString).orElse(config.model().weights()) : config.model().weights();
        try (Device device = Devices.open(devices, config, 0, 1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            LOG.info("Device: {}", device.name());
            sets.forEach(set -> Datasets.checkClasses(set, config));
            Weights.complete(model, weights);
            for (Dataset set : sets) {
                Path folder = output.resolve("inference").resolve(set.name());
                CocoResult result = new Evaluation(config, Runtime.getRuntime().availableProcessors()).run(model, set, folder);
                Map<String, Double> percentages = result.percentages();
                LOG.info("{}", copyPaste(percentages));
                Evaluation.verifyExpected(config.test().expectedResults(), percentages);
            }
        }
    }

    /** detectron2's three lines for spreadsheets. */
    static String copyPaste(Map<String, Double> percentages) {
        List<String> names = List.of("AP", "AP50", "AP75", "APs", "APm", "APl");
        return "copypaste: Task: bbox\ncopypaste: " + String.join(",", names) + "\ncopypaste: "
                + String.join(",", names.stream().map(n -> String.format(java.util.Locale.ROOT, "%.4f", percentages.get(n))).toList());
    }
}
