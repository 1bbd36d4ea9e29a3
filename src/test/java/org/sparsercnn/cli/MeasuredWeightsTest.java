package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.io.CheckpointReader;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.io.TrainingCheckpoint;

/** What is measured during training: averaged weights, with statistics made for them, and the loss on the test set. */
class MeasuredWeightsTest {
    private static final String[] LIVELY = {"MODEL.RESNETS.NORM", "BN", "MODEL.BACKBONE.FREEZE_AT", "0", "SOLVER.EMA_DECAY", "0.9", "SOLVER.MAX_ITER", "4",
        "SOLVER.IMS_PER_BATCH", "4", "SOLVER.ACCUMULATION_STEPS", "2", "TEST.EVAL_PERIOD", "2", "TEST.PRECISE_BN.ENABLED", "True", "TEST.PRECISE_BN.NUM_ITER", "3",
        "TEST.VALIDATION_LOSS", "True"};

    @TempDir
    Path folder;

    private Workplace place;

    @BeforeEach
    void setUp() {
        place = Workplace.in(folder);
    }

    private static String[] concat(String[] some, String... more) {
        return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
    }

    /** Two replicas train batch norms apart, and evaluate with the statistics of both. */
    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void are_those_that_the_checkpoint_gives_to_others(String replicas) {
        assertThat(place.run("train", concat(LIVELY, "--num-gpus", replicas))).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.log()).contains("Running precise-BN for 3 iterations", "Losses on quickstart_val: val/total_loss: ");
        assertThat(place.log().split("Running precise-BN for", -1)).as("before each of two evaluations").hasSize(3);
        List<JsonNode> measured = place.metrics().stream().filter(row -> row.has("val/total_loss")).toList();
        assertThat(measured).hasSize(2).allSatisfy(row -> assertThat(row.get("val/total_loss").asDouble()).isBetween(1.0, 1000.0))
                .allSatisfy(row -> assertThat(row.fieldNames()).toIterable().contains("val/loss_ce", "val/loss_giou_0", "val/loss_bbox"));

        Path last = place.output().resolve("model_final.safetensors");
        String found = Workplace.read(place.output().resolve("inference/coco_instances_results.json"));
        Path alone = folder.resolve("alone");
        assertThat(place.run("eval", concat(LIVELY, Workplace.into(alone, "MODEL.WEIGHTS", last.toString())))).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(Workplace.read(alone.resolve("inference/coco_instances_results.json"))).isEqualTo(found);

        TrainingCheckpoint checkpoint = TrainingCheckpoint.read(last);
        Path converted = folder.resolve("weights.pth");
        assertThat(place.call("convert", last.toString(), converted.toString()).code()).isZero();
        StateDict weights = CheckpointReader.read(converted).model();
        assertThat(weights.tensors().keySet()).isEqualTo(checkpoint.model().tensors().keySet());
        checkpoint.averages().tensors().forEach((name, t) -> assertThat(weights.get(name).toFloats()).as(name).containsExactly(t.toFloats()));
        assertThat(checkpoint.averages().tensors().keySet()).contains("backbone.bottom_up.stem.conv1.norm.running_var");
    }

    @Test
    void a_batch_that_cannot_be_cut_is_refused_at_once() {
        Workplace.Ended ended = place.run("train", "SOLVER.IMS_PER_BATCH", "4", "SOLVER.ACCUMULATION_STEPS", "3", "--num-gpus", "2");
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).contains("SOLVER.ACCUMULATION_STEPS is 3", "2 images in a step (SOLVER.IMS_PER_BATCH 4 over 2)", "set SOLVER.ACCUMULATION_STEPS 2");
    }
}
