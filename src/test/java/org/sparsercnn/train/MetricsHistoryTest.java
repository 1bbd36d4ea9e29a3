package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class MetricsHistoryTest {
    @TempDir
    Path folder;

    private MetricsHistory read(String text) throws IOException {
        return MetricsHistory.read(Files.writeString(folder.resolve("metrics.json"), text));
    }

    @Test
    void numbersAreReadByName() throws IOException {
        MetricsHistory history = read("""
                {"iteration": 19, "lr": 0.1, "total_loss": 5.0}
                {"iteration": 39, "lr": 0.2, "total_loss": null}
                {"bbox/AP": 38.5, "iteration": 39}
                """);
        assertThat(history.names()).containsExactly("bbox/AP", "lr", "total_loss");
        assertThat(history.lastIteration()).isEqualTo(39);
        MetricsHistory.Series loss = history.series("total_loss").orElseThrow();
        assertThat(loss.iterations()).containsExactly(19, 39);
        assertThat(loss.values()).containsExactly(5.0, Double.NaN);
        assertThat(history.series("bbox/AP").orElseThrow().last()).isEqualTo(38.5);
        assertThat(history.series("none")).isEmpty();
    }

    @Test
    void aFileThatDetectron2ResumedForgetsWhatWasDoneAgain() throws IOException {
        MetricsHistory history = read("""
                {"iteration": 19, "lr": 1.0}
                {"iteration": 39, "lr": 2.0}
                {"iteration": 59, "lr": NaN}
                {"iteration": 39, "lr": 4.0, "data": "text"}
                """);
        assertThat(history.series("lr").orElseThrow().values()).as("39 was done again, and 59 with it").containsExactly(1.0, 2.0, 4.0);
    }

    @Test
    void whatAKillLeftIsPassedOver() throws IOException {
        byte[] row = "{\"iteration\": 19, \"lr\": 1.0}\n{\"iteration\": 39, \"lr\"".getBytes(StandardCharsets.UTF_8);
        byte[] broken = Arrays.copyOf(row, row.length + 1);
        broken[row.length] = (byte) 0xC3; // half a letter
        Path file = Files.write(folder.resolve("metrics.json"), broken);
        assertThat(MetricsHistory.read(file).series("lr").orElseThrow().values()).containsExactly(1.0);
    }

    @Test
    void aFileWithoutRowsIsRefused() throws IOException {
        assertThatThrownBy(() -> read("")).isInstanceOf(BadInput.class).hasMessageContaining("metrics.json: no row of metrics is in it");
        assertThatThrownBy(() -> read("[1, 2]\n{\"lr\": 1}\n\n")).isInstanceOf(BadInput.class);
        assertThatThrownBy(() -> MetricsHistory.read(folder.resolve("none.json"))).isInstanceOf(BadInput.class).hasMessageContaining("no such file");
    }
}
