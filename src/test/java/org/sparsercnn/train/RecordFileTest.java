package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class RecordFileTest {
    @TempDir
    Path folder;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void what_could_not_be_written_comes_with_the_next_record() throws IOException {
        Path runs = Files.createDirectories(folder.resolve("run"));
        Path file = runs.resolve("rows");
        try (RecordFile records = new RecordFile(file)) {
            records.append(bytes("a\n"));
            Path away = Files.move(runs, folder.resolve("away"));
            Files.writeString(runs, "not a folder"); // as good as a full disk: opening fails
            records.append(bytes("b\n"));
            records.append(bytes("c\n"));
            Files.delete(runs);
            Files.move(away, runs);
            assertThat(file).hasContent("a\n");
            records.append(bytes("d\n"));
        }
        assertThat(file).hasContent("a\nb\nc\nd\n");
    }

    @Test
    void half_a_record_is_taken_back() throws IOException {
        Path file = folder.resolve("rows");
        try (RecordFile records = new RecordFile(file)) {
            records.append(bytes("whole\n"));
            Files.writeString(file, "whole\nha"); // what a full disk leaves of a write
            records.append(bytes("next\n"));
        }
        assertThat(file).hasContent("whole\nnext\n");
    }

    @Test
    void a_folder_taken_away_is_made_again() throws IOException {
        Path file = folder.resolve("run/rows");
        try (RecordFile records = new RecordFile(file)) {
            records.append(bytes("a\n"));
            Files.delete(file);
            Files.delete(file.getParent());
            records.append(bytes("b\n"));
        }
        assertThat(file).hasContent("b\n");
    }

    @Test
    void it_goes_on_at_the_end_also_in_an_interrupted_thread() throws IOException {
        Path file = Files.writeString(folder.resolve("rows"), "old\n");
        try (RecordFile records = new RecordFile(file)) {
            Thread.currentThread().interrupt();
            records.append(bytes("new\n"));
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(file).hasContent("old\nnew\n");
    }

    @Test
    void a_folder_in_its_place_is_refused() {
        assertThatThrownBy(() -> new RecordFile(folder)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll(folder.toString(), "cannot be written", "choose another OUTPUT_DIR");
    }
}
