package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.Map;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.io.WeightsCache;

/** The environment variables a run heeds: they say where data sets and downloaded weights lie. */
public record Environment(Map<String, String> variables) {
    public static Environment ofProcess() {
        return new Environment(System.getenv());
    }

    DatasetCatalog catalog(Config config) {
        return DatasetCatalog.open(variables, config.datasets().catalog());
    }

    /** The folder of the built-in data sets. */
    Path datasetRoot() {
        return DatasetCatalog.root(variables);
    }

    /** Takes over the standard streams, if they are a terminal's, until it is closed. */
    ProgressLine progressLine() {
        return progressLine(true);
    }

    /** @param shown false: hides everything */
    ProgressLine progressLine(boolean shown) {
        return shown ? ProgressLine.ofProcess(variables) : ProgressLine.hidden();
    }

    WeightsCache weightsCache() {
        return WeightsCache.standard(variables);
    }
}
