package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {
    @TempDir
    Path root;

    private void write(String file, String text) throws IOException {
        Files.createDirectories(root.resolve(file).getParent());
        Files.writeString(root.resolve(file), text);
    }

    @Test
    void memory_is_the_machines_and_what_a_container_may_use() throws IOException {
        write("proc/meminfo", "MemTotal:       25165824 kB\nMemFree:         1000000 kB\nMemAvailable:   12582912 kB\n");
        assertThat(new Machine(root).memory()).isEqualTo("24.0 GiB, 12.0 free");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); // version 1 without a limit
        assertThat(new Machine(root).memory()).isEqualTo("24.0 GiB, 12.0 free");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n");
        assertThat(new Machine(root).memory()).isEqualTo("24.0 GiB, 12.0 free; this process may use 4.0");
        write("sys/fs/cgroup/memory.max", "max\n");
        assertThat(new Machine(root).memory()).endsWith("may use 4.0");
        write("sys/fs/cgroup/memory.max", "8589934592\n");
        assertThat(new Machine(root).memory()).endsWith("may use 8.0");
    }

    @Test
    void cpus_are_those_this_process_may_use() throws IOException {
        int usable = Runtime.getRuntime().availableProcessors();
        write("proc/cpuinfo", "processor\t: 0\nmodel name\t: x\n\nprocessor\t: 1\n\nprocessor\t: 2\n");
        write("proc/self/status", "Name:\tjava\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n");
        assertThat(new Machine(root).cpus()).isEqualTo(usable + (usable == 1 ? " CPU" : " CPUs") + " for this process, 0-1 of 3");
    }

    @Test
    void a_system_that_says_nothing_is_no_failure() {
        assertThat(new Machine(root).memory()).isEqualTo("unknown");
        assertThat(new Machine(root).cpus()).endsWith("for this process");
    }
}
