package org.sparsercnn.testing;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.sparsercnn.config.Config;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;

/** Config and weights of a recorded model. */
public record GoldenWeights(Config config, JsonNode json) {
    public static GoldenWeights load(String group) {
        JsonNode json = Golden.json(group);
        return new GoldenWeights(config(json.get("config_yaml").asText(), List.of()), json);
    }

    /** A recorded config, with overrides. */
    public static Config config(String yaml, List<String> overrides) {
        try {
            Path file = Files.createTempFile("golden", ".yaml");
            try {
                Files.writeString(file, yaml);
                return Config.load(file, overrides);
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    public void fill(SparseRcnn model) {
        for (Parameter p : model.parameters().all()) {
            fill(p, json.get("weights").get(p.name()));
        }
    }

    public void fill(Parameter p, JsonNode spec) {
        p.setPublished(PortableGenerator.weight(p.name(), spec, json.get("portable_seed").asLong(), (int) p.value().elements()));
    }
}
