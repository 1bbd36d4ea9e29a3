package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.core.Context;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import net.razorvine.pickle.Unpickler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import org.snakeyaml.engine.v2.api.Load;
import picocli.CommandLine;

/** A process of its own that gets a signal in the middle of a training. */
class SignalTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"INT, 130, 1", "TERM, 143, 2"})
    void the_step_is_finished_and_the_run_saved(String signal, int code, String replicas) throws IOException, InterruptedException {
        assumeFalse(signal.equals("INT") && interruptIsIgnored(), "SIGINT is ignored by this process, and so by its children");
        Workplace place = Workplace.in(folder);
        Process process = start(place, "train", "--config-file", place.config().toString(), "--device", "cpu", "--threads", "1", "--num-gpus", replicas,
                "SOLVER.MAX_ITER", "100000");
        List<String> lines = new ArrayList<>();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            boolean sent = false;
            for (String line; (line = out.readLine()) != null;) {
                lines.add(line);
                if (!sent && line.contains("  iter: ")) {
                    sent = true;
                    assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor()).isZero();
                }
            }
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8)).isEmpty();
        assertThat(process.exitValue()).as(String.join("\n", lines)).isEqualTo(code);
        assertThat(lines.getLast()).contains("Continue it with the same command and --resume.");

        String last = Workplace.read(place.output().resolve("last_checkpoint"));
        long done = place.checkpoint(last).iteration() + 1;
        assertThat(place.log()).contains("Interrupted after " + done + " iterations; the run is saved as " + place.output().resolve(last));
        assertThat(place.run("train", "--resume", "SOLVER.MAX_ITER", Long.toString(done + 1))).isEqualTo(new Workplace.Ended(0, ""));
    }

    /** Nothing of a run that is killed keeps the next one out: not its lock, not a file half written. */
    @Test
    void a_folder_is_one_runs_alone_until_that_ends_however_it_ends() throws IOException, InterruptedException {
        Workplace place = Workplace.in(folder);
        Process process = start(place, "train", "--config-file", place.config().toString(), "--device", "cpu", "--threads", "1",
                "SOLVER.MAX_ITER", "100000", "SOLVER.CHECKPOINT_PERIOD", "20");
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line; (line = out.readLine()) != null;) {
                if (line.contains("  iter: 39 ")) {
                    Workplace.Ended second = place.run("train");
                    assertThat(second.code()).isEqualTo(2);
                    assertThat(second.err()).contains("OUTPUT_DIR " + place.output() + ": another run works there (process " + process.pid() + ")");
                    process.toHandle().destroyForcibly(); // leaves the streams open
                }
            }
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(place.output().resolve("run.lock")).exists();
        Path part = Files.writeString(place.output().resolve("model_0000059.safetensors.part-" + process.pid()), "half");
        long done = place.checkpoint(Workplace.read(place.output().resolve("last_checkpoint"))).iteration() + 1;
        assertThat(place.run("train", "--resume", "SOLVER.MAX_ITER", Long.toString(done + 1))).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.log()).contains("Deleted " + part, "at iteration " + done);
        assertThat(part).doesNotExist();
        assertThat(place.output().resolve("run.lock")).doesNotExist();
    }

    private static Process start(Workplace place, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED"));
        String natives = System.getProperty("sparsercnn.native.dir");
        if (natives != null) {
            command.add("-Dsparsercnn.native.dir=" + natives);
        }
        command.addAll(List.of("-cp", classPath(), Main.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(place.variables());
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"));
        return builder.start();
    }

    /** The program and its libraries, without the tests and their quiet logging. */
    private static String classPath() {
        return Stream.of(Main.class, CommandLine.class, JsonNode.class, JsonFactory.class, JsonIgnore.class, Load.class, ProgressBar.class, Unpickler.class,
                LoggerFactory.class, LoggerContext.class, Context.class).map(SignalTest::origin).distinct().collect(Collectors.joining(":"));
    }

    private static String origin(Class<?> type) {
        return Path.of(URI.create(type.getProtectionDomain().getCodeSource().getLocation().toString())).toString();
    }

    private static boolean interruptIsIgnored() throws IOException {
        String mask = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("SigIgn:")).findFirst().orElseThrow();
        return (Long.parseUnsignedLong(mask.substring(mask.indexOf(':') + 1).strip(), 16) & 1 << 2 - 1) != 0;
    }
}
