package org.sparsercnn.util;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
    @TempDir
    Path folder;

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void a_writer_that_fails_leaves_the_old_file_and_nothing_else() throws IOException {
        Path file = folder.resolve("a.txt");
        AtomicFiles.write(file, out -> out.write(1));
        assertThatThrownBy(() -> AtomicFiles.write(file, out -> {
            out.write(new byte[100_000]); // past the buffer
            throw new IOException("No space left on device");
        })).hasMessage("No space left on device");
        assertThat(file).hasBinaryContent(new byte[] {1});
        assertThat(names()).containsExactly("a.txt");
    }

    @Test
    void a_file_is_not_seen_before_it_is_whole() throws IOException {
        Path file = folder.resolve("new/b.txt");
        AtomicFiles.write(file, out -> {
            out.write(1);
            out.flush();
            assertThat(file).doesNotExist();
        });
        assertThat(file).hasBinaryContent(new byte[] {1});
    }

    @Test
    void what_killed_processes_left_is_deleted_and_what_others_write_now_is_not() throws IOException {
        long dead = deadPid();
        for (String name : List.of("model.safetensors.part-" + dead, "model.safetensors.part-" + ProcessHandle.current().pid(), "a.part-x", "b.txt")) {
            Files.writeString(folder.resolve(name), "half");
        }
        assertThat(AtomicFiles.deleteAbandoned(folder)).containsExactly(folder.resolve("model.safetensors.part-" + dead));
        assertThat(names()).containsExactly("a.part-x", "b.txt", "model.safetensors.part-" + ProcessHandle.current().pid());
    }

    private static long deadPid() throws IOException {
        Process process = new ProcessBuilder("true").start();
        process.onExit().join();
        return process.pid();
    }

    @Test
    void a_reason_names_what_is_in_the_way() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        assertThatThrownBy(() -> AtomicFiles.write(file.resolve("a"), out -> {})).isInstanceOfSatisfying(IOException.class,
                e -> assertThat(AtomicFiles.reason(e)).isEqualTo(file + " is no folder"));
        assertThatThrownBy(() -> AtomicFiles.write(folder, out -> {})).isInstanceOfSatisfying(IOException.class,
                e -> assertThat(AtomicFiles.reason(e)).isEqualTo("Is a directory"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), folder);
        try (Stream<Path> walk = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
            assertThatThrownBy(walk::count).hasCauseInstanceOf(IOException.class).satisfies(
                    e -> assertThat(AtomicFiles.reason((IOException) e.getCause())).isEqualTo(link + " is a link to a folder that holds it"));
        }
    }

    @Test
    void a_reason_says_what_room_was_wanted_where_there_is_less() {
        IOException full = new IOException("No space left on device");
        Path file = folder.resolve("c");
        assertThat(AtomicFiles.reason(full, file, 1)).isEqualTo("No space left on device");
        assertThat(AtomicFiles.reason(full, file, Long.MAX_VALUE)).matches("No space left on device \\([\\d,]+ MB needed, [\\d,]+ [MK]B free\\)");
        assertThat(AtomicFiles.reason(full, folder.resolve("none/d"), Long.MAX_VALUE)).isEqualTo("No space left on device");
    }
}
