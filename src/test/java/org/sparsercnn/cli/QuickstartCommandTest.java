package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.Json;

class QuickstartCommandTest {
    @TempDir
    Path folder;

    @Test
    void a_few_seconds_take_the_whole_road() throws IOException {
        Workplace place = new Workplace(folder);
        Path out = folder.resolve("quick");
        assertThat(place.call("quickstart", "--minutes", "0.02", "--output", out.toString(), "--device", "cpu")).isEqualTo(new Workplace.Ended(0, ""));
        JsonNode result = Json.read(out.resolve("result.json"), JsonNode.class);
        assertThat(result.get("AP").asDouble()).isBetween(0.0, 1.0);
        assertThat(result.get("AP50").asDouble()).isBetween(0.0, 1.0);
        assertThat(result.get("dir").asText()).isEqualTo(out.toString());
        try (Stream<Path> files = Files.list(out)) {
            assertThat(files.map(f -> f.getFileName().toString())).contains("predictions.png", "loss.png", "precision_recall.png", "metrics.json",
                    "config.yaml", "log.txt", "model_final.safetensors", "configs", "inference");
        }
        try (Stream<Path> pictures = Files.list(out.resolve("predictions"))) {
            assertThat(pictures).hasSize(12);
        }
        // What it says to try next.
        String config = out.resolve("config.yaml").toString();
        String weights = out.resolve("model_final.safetensors").toString();
        String val = folder.resolve("datasets/quickstart/val/000001.png").toString();
        assertThat(place.call("demo", "--config-file", config, "--input", val, "--output", out.resolve("demo").toString(), "--opts", "MODEL.WEIGHTS", weights).code()).isZero();
        assertThat(List.of(out.resolve("demo/000001.png"))).allMatch(Files::isRegularFile);
    }

    @Test
    void a_folder_that_cannot_be_written_is_refused_before_anything_is_made() throws IOException {
        Workplace place = new Workplace(folder);
        Path file = Files.writeString(folder.resolve("file"), "mine");
        Workplace.Ended ended = place.call("quickstart", "--output", file.toString());
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).startsWith("error: ").contains(file.toString(), "choose another --output");
        assertThat(folder.resolve("datasets")).doesNotExist();
    }
}
