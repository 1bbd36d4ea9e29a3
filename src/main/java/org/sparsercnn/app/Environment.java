package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.io.WeightsCache;

/** The environment variables a run heeds: they say where data sets and downloaded weights lie. */
public record Environment(Map<String, String> variables) {
    public static Environment ofProcess() {
        return new Environment(System.getenv());
    }

    DatasetCatalog catalog() {
        return DatasetCatalog.fromEnvironment(variables, List.of());
    }

    /** The folder of the built-in data sets. */
    Path datasetRoot() {
        return DatasetCatalog.root(variables);
    }

    WeightsCache weightsCache() {
        return WeightsCache.standard(variables);
    }
}
