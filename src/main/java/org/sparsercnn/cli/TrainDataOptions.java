package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Metric;
import picocli.CommandLine.Option;

/** Training data without a name. */
final class TrainDataOptions {
    @Option(names = "--train-json", paramLabel = "FILE", description = "COCO annotations to train on, instead of DATASETS.TRAIN; may be repeated.")
    private List<Path> json = List.of();

    @Option(names = "--train-images", paramLabel = "FOLDER", description = "Their images: a folder for each --train-json, or one for all.")
    private List<Path> images = List.of();

    /** The config's test sets do not go with other training data: unless named on the command line too, they are left out. */
    Config applied(Config config) {
        List<String> names = DataOptions.named("--train", json, images, Metric.COCO, config, "DATASETS.TRAIN");
        Config applied = config.withDatasets(names, List.of());
        return names.isEmpty() || config.isOverridden("DATASETS.TEST") ? applied : applied.with("DATASETS.TEST", "()");
    }
}
