package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.config.Config;
import org.sparsercnn.dist.World;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class QuickstartTest {
    private static final DeviceChoice CPU = new DeviceChoice(Optional.of("cpu"), Optional.empty());

    @TempDir
    Path folder;

    private Environment environment;

    @BeforeEach
    void setUp() {
        environment = new Environment(Map.of("DETECTRON2_DATASETS", folder.resolve("datasets").toString()));
    }

    @Test
    void a_second_takes_the_whole_road() throws IOException {
        Path out = folder.resolve("quick");
        assertThat(Quickstart.run(environment, out, 0.02, CPU, new Quickstart.Sample(40, 14, 64))).isZero();
        JsonNode result = Json.read(out.resolve("result.json"), JsonNode.class);
        assertThat(result.get("AP").asDouble()).isBetween(0.0, 1.0);
        assertThat(result.get("AP50").asDouble()).isBetween(0.0, 1.0);
        assertThat(result.get("iterations").asInt()).isPositive();
        assertThat(result.get("dir").asText()).isEqualTo(out.toString());
        try (Stream<Path> files = Files.list(out)) {
            assertThat(files.map(f -> f.getFileName().toString())).contains("predictions.png", "loss.png", "precision_recall.png", "metrics.json",
                    "config.yaml", "log.txt", "model_final.safetensors", "configs", "inference");
        }
        try (Stream<Path> pictures = Files.list(out.resolve("predictions"))) {
            assertThat(pictures).hasSize(12);
        }

        // What it says to try next.
        Config config = Config.load(out.resolve("config.yaml"), List.of("MODEL.WEIGHTS", out.resolve("model_final.safetensors").toString()));
        EvaluateWeights.run(environment, config, new EvaluateWeights.Options(CPU, World.alone(), false, false));
        Demo.run(environment, config, new Demo.Options(CPU, List.of(folder.resolve("datasets/quickstart/val").toString()), out.resolve("demo"), 0.5, null));
        assertThat(out.resolve("demo/000014.png")).isRegularFile();
    }

    @Test
    void a_folder_that_cannot_be_written_is_refused_before_anything_is_made() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "mine");
        assertThatThrownBy(() -> Quickstart.run(environment, file, 1, CPU)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll(file.toString(), "choose another --output");
        assertThat(folder.resolve("datasets")).doesNotExist();
    }
}
