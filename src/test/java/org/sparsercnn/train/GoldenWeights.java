package org.sparsercnn.train;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.sparsercnn.config.Config;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.testing.PortableGenerator;

/** Config and weights of a recorded model. */
record GoldenWeights(Config config, JsonNode json) {
    static GoldenWeights load(String group) {
        JsonNode json = Golden.json(group);
        try {
            Path file = Files.createTempFile("golden", ".yaml");
            Files.writeString(file, json.get("config_yaml").asText());
            Config config = Config.load(file, List.of());
            Files.delete(file);
            return new GoldenWeights(config, json);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    void fill(SparseRcnn model) {
        for (Parameter p : model.parameters().all()) {
            fill(p, json.get("weights").get(p.name()));
        }
    }

    void fill(Parameter p, JsonNode spec) {
        p.setPublished(PortableGenerator.weight(p.name(), spec, json.get("portable_seed").asLong(), (int) p.value().elements()));
    }
}
