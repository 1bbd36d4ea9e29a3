package org.sparsercnn.web;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparsercnn.app.LoadedModel;
import org.sparsercnn.app.serving.DetectionService;
import org.sparsercnn.app.serving.Limits;

/**
 * What a client may know of the model. Folders of this machine are none of its business.
 *
 * @param name the config file's, without its ending
 */
public record ModelInfo(String name, String config, String version) {
    /** @param version of the program, or null */
    public static ModelInfo of(Path config, String version) {
        String file = config.getFileName().toString();
        return new ModelInfo(file.replaceFirst("(?<=.)\\.[^.]*$", ""), file, version == null ? "unknown" : version);
    }

    /** The body of {@code GET /v1/model}. */
    Map<String, Object> json(DetectionService service, WebOptions options) {
        LoadedModel.Description model = service.description();
        Limits limits = service.limits();
        Map<String, Object> input = new LinkedHashMap<>();
        input.put("min_size_test", model.minSizeTest());
        input.put("max_size_test", model.maxSizeTest());
        input.put("format", model.format());
        Map<String, Object> most = new LinkedHashMap<>();
        most.put("body_bytes", options.bodyBytes());
        most.put("pixels", limits.pixels());
        most.put("queue", limits.queue());
        most.put("seconds", limits.seconds());
        most.put("batch", service.mostInBatch());
        most.put("batch_wait_ms", limits.batchWaitMillis());
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("name", name);
        all.put("weights", model.weights().replaceFirst(".*[/\\\\]", ""));
        all.put("config", config);
        all.put("device", model.device());
        all.put("precision", model.precision());
        all.put("categories", model.categories());
        all.put("input", input);
        all.put("parameters", model.parameters());
        all.put("limits", most);
        all.put("version", version);
        return all;
    }
}
