package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.io.TrainingCheckpoint;

/** {@code train} from arguments to files. */
class TrainCommandTest {
    @TempDir
    Path folder;

    private Workplace place;

    @BeforeEach
    void setUp() {
        place = Workplace.in(folder);
    }

    private void train(String... more) {
        assertThat(place.run("train", more)).isEqualTo(new Workplace.Ended(0, ""));
    }

    @Test
    void a_run_leaves_the_files_that_detectron2_leaves_and_a_report() throws IOException {
        train("SOLVER.MAX_ITER", "22", "SOLVER.CHECKPOINT_PERIOD", "10", "TEST.EVAL_PERIOD", "10");

        try (Stream<Path> files = Files.list(place.output())) {
            assertThat(files.map(f -> f.getFileName().toString().replaceFirst("(tfevents)\\.\\d+\\..*", "$1"))).containsExactlyInAnyOrder("config.yaml", "log.txt", "metrics.json", "events.out.tfevents",
                    "last_checkpoint", "model_0000009.safetensors", "model_0000019.safetensors", "model_final.safetensors",
                    "model_best.safetensors", "best.json", "inference", "report", "environment.json");
        }
        assertThat(Workplace.read(place.output().resolve("last_checkpoint"))).isEqualTo("model_final.safetensors");
        assertThat(place.output().resolve("inference/coco_instances_results.json")).isNotEmptyFile();
        assertThat(Workplace.read(place.output().resolve("config.yaml"))).contains("EVAL_PERIOD: 10", "MAX_ITER: 22");
        TrainingCheckpoint last = place.checkpoint("model_final.safetensors");
        assertThat(last.iteration()).isEqualTo(21);
        assertThat(last.state().at("/categories/names/0").asText()).isEqualTo("circle");
        assertThat(last.state().get("config").asText()).contains("SparseRCNN");

        assertThat(place.log()).containsPattern("\\[\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d] train INFO:  eta: 0:00:\\d\\d  iter: 19  total_loss: [\\d.]+"
                        + "  loss_ce: [\\d.]+  loss_giou: [\\d.]+  loss_bbox: [\\d.]+  loss_ce_0: [\\d.]+  loss_giou_0: [\\d.]+"
                        + "  loss_bbox_0: [\\d.]+  time: \\d+\\.\\d{4}  data_time: \\d+\\.\\d{4}  lr: 0\\.001  max_mem: \\d+M  images/s: [\\d.]+  queue: \\d+/\\d+\n")
                .contains("Environment: sparse-rcnn", "Environment info:\nprogram ", "batch      2 images a step\n", "length     22 iterations = 7.3 epochs (6 images, an epoch is 3.0 iterations)",
                        "Device: cpu (1 thread",
                        "copypaste: AP,AP50,AP75,APs,APm,APl");
        List<JsonNode> metrics = place.metrics();
        assertThat(metrics.stream().map(m -> m.get("iteration").asInt())).containsExactly(9, 19, 19, 21, 21);
        assertThat(metrics.get(1).fieldNames()).toIterable().contains("bbox/AP", "bbox/AP50", "bbox/AP-circle");
        assertThat(metrics.get(2).fieldNames()).toIterable().contains("total_loss", "loss_ce", "loss_bbox_0", "lr", "time", "data_time", "eta_seconds");
    }

    /** Dropout, crops and several workers included: the random state and the position are part of a checkpoint. */
    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void ten_steps_are_five_and_five_more_to_the_last_bit(String replicas) throws IOException {
        String[] lively = {"--num-gpus", replicas, "SOLVER.CHECKPOINT_PERIOD", "5", "SOLVER.MAX_ITER", "10", "MODEL.SparseRCNN.DROPOUT", "0.1", "INPUT.CROP.ENABLED", "True",
            "SOLVER.EMA_DECAY", "0.9", "TEST.EVAL_PERIOD", "4"};
        train(lively);
        TrainingCheckpoint straight = place.checkpoint("model_final.safetensors");

        Path resumed = folder.resolve("resumed");
        Files.createDirectories(resumed);
        Files.copy(place.output().resolve("model_0000004.safetensors"), resumed.resolve("model_0000004.safetensors"));
        place.write(resumed.resolve("last_checkpoint"), "model_0000004.safetensors");
        train(Workplace.into(resumed, concat(lively, "--resume", "DATALOADER.NUM_WORKERS", "3")));

        TrainingCheckpoint again = TrainingCheckpoint.read(resumed.resolve("model_final.safetensors"));
        same(again.model(), straight.model());
        same(again.optimizer(), straight.optimizer());
        same(again.averages(), straight.averages());
        assertThat(again.state().get("rng")).isEqualTo(straight.state().get("rng"));
        assertThat(Workplace.read(resumed.resolve("log.txt"))).contains("at iteration 5")
                .as("a resumed run goes on with the weights themselves").doesNotContain("moving averages");
        assertThat(rows(resumed)).isEqualTo(rows(place.output())).hasSize(3);
    }

    /** metrics.json from iteration 5 on, without what the clock and the memory say. */
    private List<JsonNode> rows(Path output) {
        return Workplace.metrics(output).stream().filter(row -> row.get("iteration").asInt() >= 5).<JsonNode>map(row -> ((ObjectNode) row)
                .without(List.of("time", "data_time", "comm_time", "eta_seconds", "images_per_second", "queue_ready", "max_mem"))).toList();
    }

    private static String[] concat(String[] some, String... more) {
        return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
    }

    private static void same(StateDict found, StateDict wanted) {
        assertThat(found.tensors().keySet()).isEqualTo(wanted.tensors().keySet());
        wanted.tensors().forEach((name, tensor) -> assertThat(values(found.get(name))).as(name).isEqualTo(values(tensor)));
    }

    private static float[] values(HostTensor tensor) {
        return tensor.toFloats();
    }

    @Test
    void resuming_a_finished_run_measures_it_again_and_changes_nothing() {
        train();
        TrainingCheckpoint before = place.checkpoint("model_final.safetensors");
        train("--resume");
        same(place.checkpoint("model_final.safetensors").model(), before.model());
        assertThat(place.metrics()).hasSize(3);
    }

    @Test
    void no_steps_at_all_measure_what_there_is() {
        train("SOLVER.MAX_ITER", "0", "TEST.EVAL_PERIOD", "5");
        assertThat(place.output().resolve("inference/coco_instances_results.json")).exists();
        assertThat(place.output().resolve("last_checkpoint")).doesNotExist();
        assertThat(place.output().resolve("model_best.safetensors")).doesNotExist();
    }

    @Test
    void resuming_nothing_starts() {
        train("--resume");
        assertThat(place.log()).contains("--resume: no checkpoint in");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "MODEL.RESNETS.NORM BN",
        "MODEL.RESNETS.NORM SyncBN",
        "--num-gpus 2 MODEL.RESNETS.NORM SyncBN MODEL.FPN.NORM SyncBN TEST.PRECISE_BN.ENABLED True TEST.PRECISE_BN.NUM_ITER 2",
        "MODEL.RESNETS.NORM FrozenBN MODEL.BACKBONE.FREEZE_AT 2",
        "MODEL.SparseRCNN.USE_FOCAL False MODEL.SparseRCNN.NO_OBJECT_WEIGHT 0.2",
        "MODEL.SparseRCNN.PROPOSAL_BOXES fixed MODEL.SparseRCNN.CLASS_WEIGHT 1.0",
        "MODEL.SparseRCNN.DROPOUT 0.1 MODEL.SparseRCNN.ACTIVATION gelu",
        "INPUT.CROP.ENABLED True DATALOADER.NUM_WORKERS 0",
        "SOLVER.LR_SCHEDULER_NAME WarmupCosineLR SOLVER.OPTIMIZER SGD",
        "DATALOADER.NUM_WORKERS 2 DATALOADER.ASPECT_RATIO_GROUPING False SOLVER.IMS_PER_BATCH 5",
        "SEED -1 INPUT.FORMAT BGR SOLVER.CLIP_GRADIENTS.CLIP_TYPE value",
    })
    void variants_train_a_few_steps(String overrides) {
        train((overrides + " SOLVER.MAX_ITER 3 TEST.EVAL_PERIOD 2").split(" "));
        JsonNode row = place.metrics().stream().filter(m -> m.has("total_loss")).findFirst().orElseThrow();
        assertThat(row.get("total_loss").asDouble()).isBetween(0.1, 1000.0);
    }

    @Test
    void two_replicas_train_and_evaluate_together() {
        String[] twice = {"SOLVER.MAX_ITER", "4", "SOLVER.IMS_PER_BATCH", "4", "TEST.EVAL_PERIOD", "2", "MODEL.SparseRCNN.DROPOUT", "0.1"};
        train(concat(twice, "--num-gpus", "2"));
        assertThat(place.log()).contains("4 images a step = 2 replicas x 2 images", "of " + Workplace.VAL_IMAGES + " images");
        String found = Workplace.read(place.output().resolve("inference/coco_instances_results.json"));

        // One device alone, given the weights, finds the same.
        Path alone = folder.resolve("alone");
        assertThat(place.run("eval", Workplace.into(alone, "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString()))).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(Workplace.read(alone.resolve("inference/coco_instances_results.json"))).isEqualTo(found);
    }

    @Test
    void eval_only_measures_what_training_left() throws IOException {
        train();
        Path results = place.output().resolve("inference/coco_instances_results.json");
        String found = Workplace.read(results);
        Files.delete(results);
        train("--eval-only", "--resume");
        assertThat(Workplace.read(results)).isEqualTo(found);
    }

    @Test
    void weights_that_fit_partly_are_loaded_and_the_rest_is_named() {
        train();
        Path second = folder.resolve("second");
        train(Workplace.into(second, "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString(), "MODEL.SparseRCNN.NUM_HEADS", "3"));
        assertThat(Workplace.read(second.resolve("log.txt"))).contains("missing in the file, kept as initialised:",
                "head.head_series.2.bboxes_delta.{weight, bias}");
    }

    @Test
    void several_test_sets_each_have_their_results() {
        train("DATASETS.TEST", "('quickstart_val','quickstart_train')");
        assertThat(place.output().resolve("inference/quickstart_val/coco_instances_results.json")).exists();
        assertThat(place.output().resolve("inference/quickstart_train/coco_instances_results.json")).exists();
        assertThat(place.metrics().getLast().fieldNames()).toIterable().contains("quickstart_train/bbox/AP");
    }

    @Test
    void expected_results_are_verified_at_the_end_only() {
        Workplace.Ended ended = place.run("train", "SOLVER.MAX_ITER", "4", "TEST.EVAL_PERIOD", "2", "TEST.EXPECTED_RESULTS", "[['bbox','AP',99.0,0.5]]");
        assertThat(ended.code()).isEqualTo(3);
        assertThat(ended.err()).contains("bbox/AP on quickstart_val is", "expected 99.0 +- 0.5");
        assertThat(place.checkpoint("model_final.safetensors").iteration()).isEqualTo(3);
        train("TEST.EXPECTED_RESULTS", "[['bbox','AP',50.0,50.0]]");
        assertThat(place.run("train", "TEST.EXPECTED_RESULTS", "[['segm','AP',50.0,50.0]]").err()).contains("there is no segm/AP");
    }
}
