package org.sparsercnn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.sparsercnn.app.Environment;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.util.Json;

/** A folder with a small data set and a config for it, and commands that run there as a user runs them. */
public record Workplace(Path folder) {
    static final int TRAIN_IMAGES = 6;
    static final int VAL_IMAGES = 4;

    /** How a command ended: what it wrote to standard error, with its exit code. */
    public record Ended(int code, String err) {}

    public static Workplace in(Path folder) {
        Workplace place = new Workplace(folder);
        SampleSet.write(place.data(), TRAIN_IMAGES, VAL_IMAGES, 64, 1);
        place.write(place.config(), """
                _BASE_: "%s"
                MODEL:
                  SparseRCNN: {NUM_PROPOSALS: 6, NUM_HEADS: 2, HIDDEN_DIM: 32, DIM_DYNAMIC: 8, DIM_FEEDFORWARD: 32}
                  FPN: {OUT_CHANNELS: 32}
                  RESNETS: {RES2_OUT_CHANNELS: 8, STEM_OUT_CHANNELS: 8}
                SOLVER: {IMS_PER_BATCH: 2, MAX_ITER: 2, STEPS: [100], WARMUP_ITERS: 2, CHECKPOINT_PERIOD: 100}
                INPUT: {MIN_SIZE_TRAIN: [64], MAX_SIZE_TRAIN: 64, MIN_SIZE_TEST: 64, MAX_SIZE_TEST: 64}
                OUTPUT_DIR: "%s"
                """.formatted(Path.of("configs/quickstart.yaml").toAbsolutePath(), place.output()));
        return place;
    }

    /** The sample set, where the built-in names quickstart_train and quickstart_val look for it. */
    public Path data() {
        return folder.resolve("datasets/quickstart");
    }

    public Path config() {
        return folder.resolve("tiny.yaml");
    }

    public Path output() {
        return folder.resolve("output");
    }

    public Map<String, String> variables() {
        return Map.of("DETECTRON2_DATASETS", folder.resolve("datasets").toString(), "FVCORE_CACHE", folder.resolve("cache").toString());
    }

    /** {@code <command> --config-file tiny.yaml --device cpu --threads 1 <more>}. */
    public Ended run(String command, String... more) {
        List<String> arguments = new ArrayList<>(List.of(command, "--config-file", config().toString(), "--device", "cpu", "--threads", "1"));
        arguments.addAll(List.of(more));
        return call(arguments.toArray(String[]::new));
    }

    /** A command as it stands. */
    public Ended call(String... arguments) {
        StringWriter err = new StringWriter();
        int code = Main.run(new Environment(variables()), new PrintWriter(err, true), arguments);
        return new Ended(code, err.toString());
    }

    /** The same config with its results in another folder below this one. */
    static String[] into(Path output, String... more) {
        List<String> arguments = new ArrayList<>(List.of(more));
        arguments.addAll(List.of("OUTPUT_DIR", output.toString()));
        return arguments.toArray(String[]::new);
    }

    String log() {
        return read(output().resolve("log.txt"));
    }

    List<JsonNode> metrics() {
        return metrics(output());
    }

    static List<JsonNode> metrics(Path output) {
        return read(output.resolve("metrics.json")).lines().map(line -> {
            try {
                return Json.MAPPER.readTree(line);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }).toList();
    }

    TrainingCheckpoint checkpoint(String name) {
        return TrainingCheckpoint.read(output().resolve(name));
    }

    /** Changes the training annotations. */
    void editTrainJson(Consumer<ObjectNode> edit) {
        Path file = new SampleSet(data()).trainJson();
        ObjectNode json = Json.read(file, ObjectNode.class);
        edit.accept(json);
        Json.write(file, json);
    }

    public Path trainImage(int id) {
        return new SampleSet(data()).trainImages().resolve("%06d.png".formatted(id));
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void write(Path file, String text) {
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
