package org.sparsercnn.browser;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparsercnn.data.sampleset.SampleSet;

/** A folder with a small data set, a config for it, and the program's jar to run there. */
record JarRun(Path folder) {
    private static final Path JAR = Path.of(System.getProperty("sparsercnn.jar")).toAbsolutePath();
    private static final Pattern ADDRESS = Pattern.compile("http://[\\w.:]+/");
    private static final long PATIENCE_SECONDS = 120;

    /** The scores of a model that has learnt nothing lie around {@code PRIOR_PROB}. */
    static JarRun in(Path folder) throws IOException {
        SampleSet.write(folder.resolve("datasets/quickstart"), 8, 6, 96, 1);
        Files.writeString(folder.resolve("tiny.yaml"), """
                _BASE_: "%s"
                MODEL:
                  SparseRCNN: {NUM_PROPOSALS: 6, NUM_HEADS: 2, HIDDEN_DIM: 32, DIM_DYNAMIC: 8, DIM_FEEDFORWARD: 32, PRIOR_PROB: 0.5}
                  FPN: {OUT_CHANNELS: 32}
                  RESNETS: {RES2_OUT_CHANNELS: 8, STEM_OUT_CHANNELS: 8}
                SOLVER: {IMS_PER_BATCH: 2, MAX_ITER: 40, STEPS: [100], WARMUP_ITERS: 2, CHECKPOINT_PERIOD: 100}
                TEST: {EVAL_PERIOD: 20}
                INPUT: {MIN_SIZE_TRAIN: [96], MAX_SIZE_TRAIN: 96, MIN_SIZE_TEST: 96, MAX_SIZE_TEST: 96}
                OUTPUT_DIR: "output"
                """.formatted(Path.of("configs/quickstart.yaml").toAbsolutePath()));
        return new JarRun(folder);
    }

    Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-jar", JAR.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "DETECTRON2_DATASETS"));
        return builder.redirectOutput(log(arguments[0]).toFile()).start();
    }

    /** Runs a command to its good end. */
    void run(String... arguments) throws IOException, InterruptedException {
        Process process = start(arguments);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(log(arguments[0]))).isZero();
    }

    /** What a command, {@code train} say, wrote. */
    Path log(String command) {
        return folder.resolve(command + ".out");
    }

    /** Waits until the server tells its address. */
    String address(Process server) throws IOException, InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS); System.nanoTime() < end; Thread.sleep(50)) {
            String text = Files.readString(log("serve"));
            Matcher address = ADDRESS.matcher(text);
            if (text.contains("\n") && address.find()) {
                return address.group();
            }
            assertThat(server.isAlive()).as(text).isTrue();
        }
        throw new AssertionError("the server does not tell its address: " + Files.readString(log("serve")));
    }
}
