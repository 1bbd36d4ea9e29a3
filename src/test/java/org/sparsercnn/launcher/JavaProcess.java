package org.sparsercnn.launcher;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A JVM started by a test, its output read as it comes. */
final class JavaProcess {
    private static final long PATIENCE_SECONDS = 60;

    private final Process process;
    private final CompletableFuture<String> out;
    private final CompletableFuture<String> err;

    /** How it ended. */
    record Ended(int code, String out, String err) {}

    private JavaProcess(Process process) {
        this.process = process;
        this.out = CompletableFuture.supplyAsync(() -> text(process.getInputStream()));
        this.err = CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
    }

    private static String text(java.io.InputStream in) {
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts {@code home/bin/java arguments}, without the environment's own wishes for Java except those given. */
    static JavaProcess start(Path home, Map<String, String> environment, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(home.resolve("bin/java").toString()));
        command.addAll(arguments);
        return startCommand(environment, command);
    }

    static JavaProcess startCommand(Map<String, String> environment, List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "SPARSERCNN_JAVA", "XDG_CACHE_HOME"));
        builder.environment().putAll(environment);
        return new JavaProcess(builder.start());
    }

    Process process() {
        return process;
    }

    JavaProcess type(String input) throws IOException {
        try (var in = process.outputWriter()) {
            in.write(input);
        }
        return this;
    }

    Ended end() throws InterruptedException {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("still running after " + PATIENCE_SECONDS + " s: " + process.info());
        }
        return new Ended(process.exitValue(), out.join(), err.join());
    }

    /** The Java that runs the tests. */
    static Path currentHome() {
        return Path.of(System.getProperty("java.home"));
    }

    /** A Java between 11 and 24; without one the test is skipped. */
    static Path olderHome() throws IOException {
        try (Stream<Path> homes = Files.exists(Path.of("/usr/lib/jvm")) ? Files.list(Path.of("/usr/lib/jvm")) : Stream.empty()) {
            Optional<Path> older = homes.sorted().filter(home -> JavaFinder.version(home) >= 11 && JavaFinder.version(home) < 25
                    && Files.isExecutable(home.resolve("bin/java"))).findFirst();
            assumeTrue(older.isPresent(), "no Java 11 to 24 in /usr/lib/jvm to start the launcher with");
            return older.get();
        }
    }
}
