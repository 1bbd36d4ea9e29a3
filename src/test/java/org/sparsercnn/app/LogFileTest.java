package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class LogFileTest {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final String TIME = "\\[\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d] ";

    @TempDir
    Path folder;

    private List<String> lines() throws IOException {
        return Files.readAllLines(folder.resolve("log.txt"));
    }

    @Test
    void lines_from_before_the_file_was_known_are_in_it() throws IOException {
        LOG.info("of a command before");
        EarlyLog.begin();
        LOG.info("a setting has {}", "no effect");
        try (LogFile file = LogFile.open(folder.resolve("log.txt"))) {
            LOG.info("a step");
            file.info("only here");
        }
        LOG.info("after");
        assertThat(lines()).satisfiesExactly(l -> assertThat(l).matches(TIME + "train INFO: a setting has no effect"),
                l -> assertThat(l).matches(TIME + "train INFO: a step"), l -> assertThat(l).matches(TIME + "run INFO: only here"));

        try (LogFile _ = LogFile.open(folder.resolve("second.txt"))) {
            LOG.info("once");
        }
        assertThat(folder.resolve("second.txt")).content().doesNotContain("no effect");
    }

    @Test
    void another_run_is_told_apart() throws IOException {
        for (int run = 0; run < 2; run++) {
            EarlyLog.begin();
            LOG.warn("early");
            try (LogFile _ = LogFile.open(folder.resolve("log.txt"))) {
                LOG.info("run {}", run);
            }
        }
        assertThat(lines()).satisfiesExactly(l -> assertThat(l).endsWith("WARNING: early"), l -> assertThat(l).endsWith("run 0"),
                l -> assertThat(l).matches(TIME + "run INFO: =+ another run in this folder, \\d{4}-\\d\\d-\\d\\d =+"),
                l -> assertThat(l).endsWith("WARNING: early"), l -> assertThat(l).endsWith("run 1"));
    }

    @Test
    void a_failure_has_its_stack_here() throws IOException {
        try (LogFile file = LogFile.open(folder.resolve("log.txt"))) {
            file.error(new IllegalStateException("torn"));
        }
        assertThat(lines()).anyMatch(l -> l.endsWith("ERROR: torn")).anyMatch(l -> l.contains("at org.sparsercnn.app.LogFileTest"));
    }
}
