package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class RunLockTest {
    @TempDir
    Path folder;

    @Test
    void one_at_a_time() throws IOException {
        try (RunLock _ = RunLock.take(folder)) {
            assertThatThrownBy(() -> RunLock.take(folder)).isInstanceOf(BadInput.class)
                    .hasMessageContainingAll("OUTPUT_DIR " + folder + ": another run works there", "choose another OUTPUT_DIR");
        }
        assertThat(folder.resolve("run.lock")).doesNotExist();
        RunLock.take(folder).close();
    }

    @Test
    void a_file_without_a_lock_bars_no_one() throws IOException {
        Files.writeString(folder.resolve("run.lock"), "process 1");
        try (RunLock lock = RunLock.take(folder)) {
            assertThat(lock.isLost()).isFalse();
            assertThat(folder.resolve("run.lock")).hasContent("process " + ProcessHandle.current().pid());
        }
    }

    @Test
    void a_folder_that_was_deleted_and_made_again_is_another_one() throws IOException {
        Path run = Files.createDirectory(folder.resolve("run"));
        RunLock lock = RunLock.take(run);
        Files.delete(run.resolve("run.lock"));
        assertThat(lock.isLost()).isTrue();
        Files.delete(run);
        assertThat(lock.isLost()).isTrue();
        Files.createDirectory(run);
        try (RunLock other = RunLock.take(run)) {
            assertThat(lock.isLost()).as("the file of another run").isTrue();
            assertThat(other.isLost()).isFalse();
            lock.close();
            assertThat(run.resolve("run.lock")).as("the other run's").exists();
        }
    }
}
