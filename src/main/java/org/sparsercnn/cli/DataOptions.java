package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.data.Metric;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.Option;

/** Options of the commands that evaluate: data without a name, and how strictly it is taken. */
final class DataOptions {
    @Option(names = "--val-json", paramLabel = "FILE", description = "COCO annotations to evaluate on, instead of DATASETS.TEST; may be repeated.")
    private List<Path> json = List.of();

    @Option(names = "--val-images", paramLabel = "FOLDER", description = "Their images: a folder for each --val-json, or one for all.")
    private List<Path> images = List.of();

    @Option(names = "--val-metric", paramLabel = "METRIC", description = "How detections on them are scored: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Metric metric = Metric.COCO;

    @Option(names = "--strict-data", description = "Refuse annotations that would be repaired or dropped.")
    boolean strict;

    Config applied(Config config) {
        return config.withDatasets(List.of(), named("--val", json, images, metric, config, "DATASETS.TEST"));
    }

    /**
     * @param option the beginning of both options' names
     * @param key of {@code config}, which they stand for; not both can be given
     */
    static List<String> named(String option, List<Path> json, List<Path> images, Metric metric, Config config, String key) {
        if (json.isEmpty() && images.isEmpty()) {
            return List.of();
        }
        if (config.isOverridden(key)) {
            throw BadInput.of("%s-json and %s %s name the same data sets twice; leave one of them out", option, key, config.valueOf(key));
        }
        if (json.isEmpty() || images.size() != 1 && images.size() != json.size()) {
            throw BadInput.of("%d %s-json and %d %s-images: give %s-images FOLDER once for all files, or once for each", json.size(), option, images.size(),
                    option, option);
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < json.size(); i++) {
            names.add(DatasetCatalog.unnamed(json.get(i), images.get(images.size() == 1 ? 0 : i), metric));
        }
        return names;
    }
}
