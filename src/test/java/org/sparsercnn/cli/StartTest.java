package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.util.Json;

/** What a training begins with: another model's weights, or an earlier run of its own. */
class StartTest {
    private static final String LAYER = "head.head_series.1.class_logits.";

    @TempDir
    Path folder;

    private Workplace place;

    @BeforeEach
    void setUp() {
        place = Workplace.in(folder);
    }

    private void train(Path output, String... more) {
        assertThat(place.run("train", Workplace.into(output, more))).isEqualTo(new Workplace.Ended(0, ""));
    }

    private void refuses(String arguments, String... words) {
        Workplace.Ended ended = place.run("train", arguments.split(" "));
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).startsWith("error: ").contains(words).doesNotContain("\tat ");
    }

    private Path file(String run) {
        return folder.resolve(run).resolve("model_final.safetensors");
    }

    private StateDict weights(String run) {
        return TrainingCheckpoint.read(file(run)).model();
    }

    private String log(String run) {
        return Workplace.read(folder.resolve(run).resolve("log.txt"));
    }

    /** The rows of a class layer. */
    private static List<List<Float>> rows(StateDict weights, String name) {
        float[] values = weights.get(name).toFloats();
        int width = values.length / (int) weights.get(name).shape()[0];
        return IntStream.range(0, values.length / width).mapToObj(r -> IntStream.range(r * width, (r + 1) * width).mapToObj(i -> values[i]).toList())
                .toList();
    }

    /** Circle, square, triangle, star, cross become triangle, blob, circle. */
    private void otherClasses() {
        SampleSet set = new SampleSet(place.data());
        for (Path file : List.of(set.trainJson(), set.valJson())) {
            ObjectNode json = Json.read(file, ObjectNode.class);
            ArrayNode categories = json.putArray("categories");
            categories.addObject().put("id", 3).put("name", "triangle");
            categories.addObject().put("id", 4).put("name", "blob");
            categories.addObject().put("id", 7).put("name", "circle");
            json.get("annotations").forEach(a -> ((ObjectNode) a).put("category_id", List.of(3, 4, 7).get(a.get("category_id").asInt() % 3)));
            Json.write(file, json);
        }
    }

    @Test
    void classes_keep_their_weights_under_their_names_and_only_they_may_change() {
        train(folder.resolve("first"), "SOLVER.MAX_ITER", "4");
        otherClasses();
        train(folder.resolve("second"), "--init-from", file("first").toString(), "SOLVER.MAX_ITER", "1", "SOLVER.BASE_LR", "0.0",
                "MODEL.SparseRCNN.NUM_CLASSES", "3", "MODEL.WEIGHTS", "none.pth");
        StateDict before = weights("first");
        StateDict after = weights("second");
        for (String name : List.of(LAYER + "weight", LAYER + "bias")) {
            List<List<Float>> old = rows(before, name);
            assertThat(rows(after, name)).hasSize(3).startsWith(old.get(2)).endsWith(old.get(0));
            assertThat(old).doesNotContain(rows(after, name).get(1));
        }
        before.tensors().forEach((name, tensor) -> {
            if (!name.contains("class_logits")) {
                assertThat(after.get(name).toFloats()).as(name).isEqualTo(tensor.toFloats());
            }
        });
        assertThat(TrainingCheckpoint.read(file("second")).iteration()).as("from 0").isZero();
        assertThat(log("second")).contains("Weights from " + file("first"), "carried over: triangle, circle; new, as initialised: blob; in the file only: square, star, cross")
                .containsPattern("  loaded +\\d+ +[\\d,]+  backbone \\d+, init_proposal_features 1, init_proposal_boxes 1, head \\d+\n"
                        + "  by class +4 +198  .*\n  reinitialised +0 +0\n  unused +0 +0\n")
                .doesNotContain("none.pth");
    }

    @Test
    void a_file_that_does_not_name_its_classes_lends_all_or_none_of_a_class_layer() throws IOException {
        train(folder.resolve("first"), "SOLVER.MAX_ITER", "4");
        Path plain = folder.resolve("plain.pth");
        assertThat(place.call("convert", file("first").toString(), plain.toString()).code()).isZero();
        train(folder.resolve("same"), "--init-from", plain.toString(), "SOLVER.MAX_ITER", "1", "SOLVER.BASE_LR", "0.0");
        assertThat(rows(weights("same"), LAYER + "weight")).isEqualTo(rows(weights("first"), LAYER + "weight"));
        otherClasses();
        train(folder.resolve("other"), "--init-from", plain.toString(), "SOLVER.MAX_ITER", "1", "SOLVER.BASE_LR", "0.0", "MODEL.SparseRCNN.NUM_CLASSES", "3");
        assertThat(log("other")).containsPattern("reinitialised +4 +198  head.head_series.0.class_logits.\\{weight, bias}, head.head_series.1.class_logits.\\{weight, bias}"
                + " \\(the file does not name its classes\\)");
    }

    @Test
    void another_model_is_refused() throws IOException {
        train(folder.resolve("first"));
        String weights = file("first").toString();
        String init = "--init-from " + weights;
        refuses(init + " MODEL.SparseRCNN.NUM_PROPOSALS 5", weights, "another model than the config's", "init_proposal_features.weight ([6, 32] in the file, [5, 32]");
        refuses(init + " MODEL.SparseRCNN.DIM_DYNAMIC 4", "Only the class layers may differ");
        refuses(init + " MODEL.SparseRCNN.HIDDEN_DIM 16 MODEL.FPN.OUT_CHANNELS 16", "and ", " more");
        refuses("--init-from nothing.pth", "nothing.pth: no such file");
        refuses(init + " --resume", "error: --resume, --init-from=WEIGHTS are mutually exclusive");
        refuses(init + " --eval-only", "--eval-only and --init-from");
        Path head = folder.resolve("head.safetensors");
        StateDict some = new StateDict();
        weights("first").tensors().forEach((name, tensor) -> {
            if (name.startsWith("head.")) {
                some.put(name, tensor);
            }
        });
        org.sparsercnn.io.Safetensors.write(head, some);
        refuses("--init-from " + head, head.toString(), "it has no weights for 60 tensors of the backbone, ResNet-18: backbone.bottom_up.stem.conv1.weight, …");
        refuses(init + " MODEL.RESNETS.DEPTH 34", weights, "tensors of the backbone, ResNet-34: backbone.bottom_up.res2.2.conv1.weight, …");
        assertThat(place.output().resolve("config.yaml")).doesNotExist();
    }

    /** With fewer stages the file has more than the model takes, with more it lacks some: both are named. */
    @Test
    void what_is_missing_and_what_is_left_over_is_in_the_table() {
        train(folder.resolve("first"));
        train(folder.resolve("fewer"), "--init-from", file("first").toString(), "MODEL.SparseRCNN.NUM_HEADS", "1");
        assertThat(log("fewer")).containsPattern("reinitialised +0 +0\n  unused +\\d+ +[\\d,]+  head.head_series.1.self_attn");
        train(folder.resolve("more"), "--init-from", file("first").toString(), "MODEL.SparseRCNN.NUM_HEADS", "3");
        assertThat(log("more")).containsPattern("reinitialised +\\d+ +[\\d,]+  head.head_series.2.self_attn.*\n  unused +0 +0\n");
    }

    // Resume

    @Test
    void a_resumed_run_takes_the_settings_that_may_change_and_lists_them() {
        train(place.output(), "SOLVER.MAX_ITER", "3");
        train(place.output(), "--resume", "SOLVER.MAX_ITER", "5", "SOLVER.BASE_LR", "0.002", "MODEL.SparseRCNN.CLASS_WEIGHT", "1.5", "MODEL.MASK_ON", "True",
                "SOLVER.STEPS", "(4,)");
        String log = place.log().substring(place.log().indexOf("another run in this folder"));
        assertThat(log).contains("Changed since the checkpoint; the new values count:\n  MODEL.SparseRCNN.CLASS_WEIGHT: 2.0 -> 1.5\n"
                + "  SOLVER.MAX_ITER: 3 -> 5\n  SOLVER.BASE_LR: 0.001 -> 0.002\n  SOLVER.STEPS: (100,) -> (4,)\n", "at iteration 3", "5 iterations from 3");
        assertThat(place.checkpoint("model_final.safetensors").iteration()).isEqualTo(4);
        train(place.output(), "--resume", "SOLVER.MAX_ITER", "5", "SOLVER.BASE_LR", "0.002", "MODEL.SparseRCNN.CLASS_WEIGHT", "1.5", "SOLVER.STEPS", "(4,)");
        assertThat(place.log().substring(place.log().lastIndexOf("another run in this folder"))).doesNotContain("Changed since")
                .contains("The run is complete (5 iterations): nothing is left to train, only to measure. A larger SOLVER.MAX_ITER goes on.");
    }

    @Test
    void other_classes_cannot_be_resumed_on() {
        train(place.output());
        edit(json -> ((ObjectNode) json.get("categories").get(1)).put("name", "rectangle"));
        refuses("--resume", "model_final.safetensors: cannot be resumed on this data", "circle, square, triangle", "circle, rectangle, triangle", "--init-from");
    }

    private void edit(Consumer<ObjectNode> edit) {
        SampleSet set = new SampleSet(place.data());
        for (Path file : List.of(set.trainJson(), set.valJson())) {
            ObjectNode json = Json.read(file, ObjectNode.class);
            edit.accept(json);
            Json.write(file, json);
        }
    }

    @Test
    void a_checkpoint_of_detectron2_has_no_state_to_resume_from() throws IOException {
        train(folder.resolve("first"));
        Files.createDirectories(place.output());
        assertThat(place.call("convert", file("first").toString(), place.output().resolve("model_0000001.pth").toString()).code()).isZero();
        place.write(place.output().resolve("last_checkpoint"), "model_0000001.pth");
        refuses("--resume", "model_0000001.pth: ", "--init-from");
    }

    @Test
    void best_and_early_stop_survive_a_resume() {
        String[] still = {"SOLVER.BASE_LR", "0.0", "SOLVER.MAX_ITER", "40", "TEST.EVAL_PERIOD", "3", "TEST.EARLY_STOP", "3", "SOLVER.CHECKPOINT_PERIOD", "3",
            "SOLVER.KEEP_CHECKPOINTS", "2"};
        for (String replicas : List.of("1", "2")) {
            Path output = folder.resolve("output" + replicas);
            String[] all = Stream.concat(Arrays.stream(still), Stream.of("--num-gpus", replicas)).toArray(String[]::new);
            train(output, all); // the model never changes: 3 evaluations after the first without a better one
            String log = log("output" + replicas);
            assertThat(log).contains("Stopping early (TEST.EARLY_STOP 3): in 3 evaluations AP has not been better than", "at iteration 2");
            assertThat(TrainingCheckpoint.read(output.resolve("model_final.safetensors")).iteration()).isEqualTo(11);
            assertThat(TrainingCheckpoint.read(output.resolve("model_best.safetensors")).iteration()).isEqualTo(2);
            assertThat(log.split("Evaluation results")).as("the last evaluation is the final one").hasSize(1 + 4);
            assertThat(output.resolve("model_0000005.safetensors")).doesNotExist();
            assertThat(output.resolve("model_0000008.safetensors")).exists();

            train(output, Stream.concat(Arrays.stream(all), Stream.of("--resume", "TEST.EARLY_STOP", "4")).toArray(String[]::new));
            assertThat(TrainingCheckpoint.read(output.resolve("model_final.safetensors")).iteration()).as("one evaluation more").isEqualTo(14);
            assertThat(output.resolve("model_0000008.safetensors")).as("of the run before").doesNotExist();
            assertThat(output.resolve("model_0000011.safetensors")).exists();
            assertThat(Json.read(output.resolve("best.json"), ObjectNode.class).get("evaluations")).hasSize(5);
        }
    }

    /** What a loss on the test set says is better where it is smaller. */
    @Test
    void the_best_model_may_be_the_one_of_the_smallest_loss() {
        train(place.output(), "SOLVER.MAX_ITER", "4", "TEST.EVAL_PERIOD", "2", "TEST.VALIDATION_LOSS", "True", "TEST.BEST_METRIC", "val/total_loss",
                "SOLVER.EMA_DECAY", "0.5");
        List<JsonNode> rows = place.metrics().stream().filter(row -> row.has("val/total_loss")).toList();
        assertThat(rows).extracting(row -> row.get("iteration").asInt()).containsExactly(1, 3);
        double before = rows.getFirst().get("val/total_loss").asDouble();
        double after = rows.getLast().get("val/total_loss").asDouble();
        JsonNode best = Json.read(place.output().resolve("best.json"), ObjectNode.class).get("best");
        assertThat(best.get("value").asDouble()).isEqualTo(Math.min(before, after));
        assertThat(place.checkpoint("model_best.safetensors").iteration()).isEqualTo(before <= after ? 1 : 3);
    }

    @Test
    void a_stop_without_evaluations_or_an_unknown_metric_is_refused() {
        refuses("TEST.EARLY_STOP 2", "TEST.EARLY_STOP 2", "set TEST.EVAL_PERIOD");
        refuses("TEST.EARLY_STOP 2 TEST.EVAL_PERIOD 5 TEST.BEST_METRIC ''", "TEST.BEST_METRIC, such as AP");
        refuses("TEST.EVAL_PERIOD 5 TEST.BEST_METRIC mAP", "TEST.BEST_METRIC mAP", "AP, AP50, AP75, APs, APm, APl, AP-circle");
        refuses("TEST.EVAL_PERIOD 5 TEST.BEST_METRIC val/total_loss", "losses are measured with TEST.VALIDATION_LOSS True");
    }
}
