package org.sparsercnn.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.sparsercnn.cli.Workplace;

/** Processes started by Open MPI's {@code mpirun}, and what they write. */
final class MpiJob implements AutoCloseable {
    /** Why there is no mpirun; empty: there is. */
    private static final class Trouble {
        private static final String WITH_MPIRUN = trouble();
    }

    private static final long PATIENCE_SECONDS = 180;
    static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");
    static final Path JAR = Path.of(System.getProperty("sparsercnn.jar", "target/sparse-rcnn.jar")).toAbsolutePath();

    /** How it ended. */
    record Ended(int code, String out, String err) {}

    private final Process process;
    private final Path out;
    private final Path err;

    private MpiJob(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    /** Skips the test where Open MPI is not installed, or cannot start two processes. */
    static void require() {
        String trouble = Trouble.WITH_MPIRUN;
        if (!trouble.isEmpty()) {
            System.out.println("tests with several processes are skipped: " + trouble);
        }
        assumeTrue(trouble.isEmpty(), trouble);
    }

    private static String trouble() {
        if (Stream.of(System.getenv("PATH").split(":")).noneMatch(folder -> Files.isExecutable(Path.of(folder, "mpirun")))) {
            return "mpirun is not installed (Debian: openmpi-bin)";
        }
        try {
            Process probe = new ProcessBuilder("mpirun", "--allow-run-as-root", "--oversubscribe", "-np", "2", "true").redirectErrorStream(true).start();
            String said = new String(probe.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return probe.waitFor() == 0 ? "" : "mpirun cannot start two processes: " + said;
        } catch (IOException | InterruptedException e) {
            return "mpirun cannot be started: " + e.getMessage();
        }
    }

    /**
     * Java hides behind {@code env}: Open MPI 4 has its own ideas about the arguments of a program of that name.
     *
     * @param java what follows {@code java}
     */
    static MpiJob start(Path folder, int processes, Map<String, String> variables, List<String> java) throws IOException {
        List<String> command = mpirun(processes, List.of());
        command.addAll(List.of("env", JAVA.toString()));
        command.addAll(java);
        return start(folder, variables, command);
    }

    /** The beginning of a command. */
    static List<String> mpirun(int processes, List<String> options) {
        List<String> command = new ArrayList<>(List.of("mpirun", "--quiet", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np",
                "" + processes));
        command.addAll(options);
        return command;
    }

    /** What follows {@code java} for a main class of the tests. */
    static List<String> testClass(Class<?> main, String... arguments) {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> java = new ArrayList<>(List.of("--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                "-Dbasedir=" + Path.of("").toAbsolutePath(), "-cp", classPath, main.getName()));
        java.addAll(List.of(arguments));
        return java;
    }

    static MpiJob start(Path folder, Map<String, String> variables, List<String> command) throws IOException {
        Path out = Files.createTempFile(folder, "out", ".txt");
        Path err = Files.createTempFile(folder, "err", ".txt");
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
        Map<String, String> environment = new HashMap<>(variables);
        environment.put("OMPI_ALLOW_RUN_AS_ROOT", "1");
        environment.put("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"));
        builder.environment().putAll(environment);
        return new MpiJob(builder.start(), out, err);
    }

    /** {@code train --config-file tiny.yaml --device cpu --threads 1 <more>} in {@code place}. */
    static MpiJob train(Workplace place, int processes, String... more) throws IOException {
        return run(place, processes, "train", more);
    }

    static MpiJob run(Workplace place, int processes, String command, String... more) throws IOException {
        return start(place.folder(), processes, place.variables(), jar(place, command, more));
    }

    /** What follows {@code java} for a command of the jar. */
    static List<String> jar(Workplace place, String command, String... more) {
        List<String> java = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1", "-Xshare:auto", "-jar", JAR.toString(), command, "--config-file",
                place.config().toString(), "--device", "cpu", "--threads", "1"));
        java.addAll(List.of(more));
        return java;
    }

    String out() throws IOException {
        return Files.readString(out);
    }

    String err() throws IOException {
        return Files.readString(err);
    }

    /** Waits until standard output has {@code text}. */
    MpiJob awaitOut(String text) throws IOException, InterruptedException {
        await(() -> {
            try {
                return out().contains(text) || !process.isAlive();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(out()).as(err()).contains(text);
        return this;
    }

    static void await(BooleanSupplier done) throws InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS); !done.getAsBoolean(); Thread.sleep(20)) {
            assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
        }
    }

    /** The process of a rank. */
    ProcessHandle rank(int rank) throws InterruptedException {
        ProcessHandle[] found = new ProcessHandle[1];
        await(() -> {
            found[0] = process.descendants().filter(p -> isRank(p, rank)).findFirst().orElse(null);
            return found[0] != null || !process.isAlive();
        });
        assertThat(found[0]).isNotNull();
        return found[0];
    }

    private static boolean isRank(ProcessHandle process, int rank) {
        try {
            return process.info().command().filter(c -> c.endsWith("/java")).isPresent()
                    && List.of(Files.readString(Path.of("/proc/" + process.pid() + "/environ")).split("\0")).contains("OMPI_COMM_WORLD_RANK=" + rank);
        } catch (IOException e) { // it has ended
            return false;
        }
    }

    void signal(String name, int rank) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + name, "" + rank(rank).pid()).start().waitFor()).isZero();
    }

    /** Kills a rank's process, if it is still there. */
    void kill(int rank) {
        process.descendants().filter(p -> isRank(p, rank)).forEach(ProcessHandle::destroyForcibly);
    }

    void signalMpirun(String name) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor()).isZero();
    }

    Ended end() throws IOException, InterruptedException {
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as("ends; it wrote: " + out() + err()).isTrue();
        return new Ended(process.exitValue(), out(), err());
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
