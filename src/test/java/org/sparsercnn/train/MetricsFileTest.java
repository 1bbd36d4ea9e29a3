package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class MetricsFileTest {
    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("metrics.json");
    }

    private void write(long start, long... iterations) {
        try (MetricsFile metrics = MetricsFile.open(file, start)) {
            for (long i : iterations) {
                metrics.write(i, Map.of("total_loss", 0.5));
            }
        }
    }

    @Test
    void a_row_is_strict_json_and_sorted() throws IOException {
        try (MetricsFile metrics = MetricsFile.open(file, 0)) {
            metrics.write(9, Map.of("bbox/AP", 38.5, "bbox/APl", Double.NaN, "loss_ce", Double.POSITIVE_INFINITY, "lr", 2.5e-5));
        }
        assertThat(Files.readString(file)).isEqualTo("{\"bbox/AP\":38.5,\"bbox/APl\":null,\"iteration\":9,\"loss_ce\":null,\"lr\":2.5E-5}\n");
    }

    @Test
    void a_resumed_run_drops_what_it_does_again_and_half_a_line() throws IOException {
        write(0, 19, 39, 59);
        Files.writeString(file, Files.readString(file) + "{\"iteration\":79,\"total_lo");
        write(40, 59, 79);
        assertThat(Files.readAllLines(file)).containsExactly("{\"iteration\":19,\"total_loss\":0.5}", "{\"iteration\":39,\"total_loss\":0.5}",
                "{\"iteration\":59,\"total_loss\":0.5}", "{\"iteration\":79,\"total_loss\":0.5}");
    }

    @Test
    void lines_that_are_no_rows_go_as_well() throws IOException {
        Files.write(file, new byte[] {'{', '"', (byte) 0xC3, '\n', 0, 0, '\n', '7', '\n'});
        write(5, 9);
        assertThat(Files.readString(file)).isEqualTo("{\"iteration\":9,\"total_loss\":0.5}\n");
    }

    @Test
    void a_file_in_order_is_left_as_it_is() throws IOException {
        String text = "{ \"iteration\" : 3,   \"mine\": [1] }\n";
        Files.writeString(file, text);
        write(4);
        assertThat(Files.readString(file)).isEqualTo(text);
    }

    @Test
    void a_run_that_starts_anew_moves_the_old_file_aside() throws IOException {
        write(0, 1);
        write(0, 2);
        write(0, 3);
        assertThat(Files.readString(folder.resolve("metrics.1.json"))).contains("\"iteration\":1");
        assertThat(Files.readString(folder.resolve("metrics.2.json"))).contains("\"iteration\":2");
        assertThat(Files.readAllLines(file)).singleElement().asString().contains("\"iteration\":3");
    }

    @Test
    void a_place_that_cannot_be_written_is_named() throws IOException {
        Files.createDirectories(file.resolve("in the way"));
        assertThatThrownBy(() -> write(5, 9)).isInstanceOf(BadInput.class).hasMessageContainingAll(file.toString(), "OUTPUT_DIR");
    }
}
