package org.sparsercnn.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class CheckpointsTest {
    @TempDir
    Path folder;

    private static TrainingCheckpoint checkpoint(long iteration) {
        ObjectNode state = Json.MAPPER.createObjectNode().put("iteration", iteration).put("config", "SOLVER:\n  BASE_LR: 2.5e-05\n");
        state.putObject("sampler").put("seed", 12345678901L).put("position", iteration * 16);
        state.putArray("categories").add("cat").add("café");
        return new TrainingCheckpoint(
                new StateDict().put("head.w", HostTensor.of(new float[] {iteration, 2}, 2))
                        .put("bn.num_batches_tracked", HostTensor.of(new long[] {iteration})),
                new StateDict().put("head.w/exp_avg", HostTensor.of(new float[] {3, 4}, 2))
                        .put("head.w/step", HostTensor.of(new float[] {iteration})), state);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void everythingComesBack() {
        Path file = new Checkpoints(folder, 0).savePeriodic(checkpoint(4999));
        assertThat(file).isEqualTo(folder.resolve("model_0004999.safetensors"));
        TrainingCheckpoint read = TrainingCheckpoint.read(file);
        assertThat(read.iteration()).isEqualTo(4999);
        assertThat(read.state()).hasToString(checkpoint(4999).state().toString());
        assertThat(read.model().get("head.w").toFloats()).containsExactly(4999, 2);
        assertThat(read.optimizer().get("head.w/exp_avg").toFloats()).containsExactly(3, 4);
        assertThat(read.optimizer().get("head.w/step").shape()).isEmpty();
        assertThat(read.model().size() + read.optimizer().size()).isEqualTo(4);
    }

    @Test
    void itIsAlsoAFileOfWeights() {
        LoadedCheckpoint read = CheckpointReader.read(new Checkpoints(folder, 0).saveFinal(checkpoint(7)));
        assertThat(read.model().tensors()).containsOnlyKeys("head.w", "bn.num_batches_tracked");
        assertThat(read.extras()).containsEntry("iteration", 7L).containsEntry("categories", List.of("cat", "café"));
    }

    /** Training goes on with the weights as they are; whoever wants weights gets the averages. */
    @Test
    void averagesStandBesideTheWeightsAndAreTheOnesToUse() {
        TrainingCheckpoint plain = checkpoint(3);
        StateDict averages = new StateDict().put("head.w", HostTensor.of(new float[] {5, 6}, 2));
        Path file = new Checkpoints(folder, 0).savePeriodic(new TrainingCheckpoint(plain.model(), plain.optimizer(), averages, plain.state()));
        assertThat(Safetensors.read(file).tensors()).containsKeys("model/head.w", "ema/head.w", "optim/head.w/exp_avg");
        TrainingCheckpoint read = TrainingCheckpoint.read(file);
        assertThat(read.model().get("head.w").toFloats()).containsExactly(3, 2);
        assertThat(read.averages().get("head.w").toFloats()).containsExactly(5, 6);
        LoadedCheckpoint weights = CheckpointReader.read(file);
        assertThat(weights.model().tensors()).containsOnlyKeys("head.w", "bn.num_batches_tracked");
        assertThat(weights.model().get("head.w").toFloats()).containsExactly(5, 6);
    }

    @Test
    void plainWeightsCannotBeResumedFrom() {
        Path file = folder.resolve("weights.safetensors");
        Safetensors.write(file, checkpoint(1).model());
        assertThatThrownBy(() -> TrainingCheckpoint.read(file)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll(file.toString(), "without --resume");
    }

    @Test
    void latestFollowsTheSavesAndOldOnesGo() throws IOException {
        Checkpoints checkpoints = new Checkpoints(folder, 2);
        assertThat(checkpoints.latest()).isEmpty();
        Files.writeString(folder.resolve("model_0000001.safetensors"), "of an earlier run");
        for (long iteration : new long[] {9, 19, 29, 29}) {
            Path saved = checkpoints.savePeriodic(checkpoint(iteration));
            assertThat(checkpoints.latest()).contains(saved);
        }
        Path last = checkpoints.saveFinal(checkpoint(39));
        assertThat(checkpoints.latest()).contains(last);
        assertThat(names()).containsExactly("last_checkpoint", "model_0000001.safetensors", "model_0000019.safetensors",
                "model_0000029.safetensors", "model_final.safetensors");
        assertThat(folder.resolve("last_checkpoint")).hasContent("model_final.safetensors");
    }

    /** The clock plays no part: the oldest files here are the newest checkpoints. */
    @Test
    void aResumedRunKeepsItsNewestOnesAndTouchesNoOther() throws IOException {
        Checkpoints first = new Checkpoints(folder, 0);
        first.saveBest(checkpoint(9));
        for (long iteration : new long[] {9, 19, 29, 39}) {
            Path file = first.savePeriodic(checkpoint(iteration));
            Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L - iteration * 1_000_000));
        }
        Files.writeString(folder.resolve("last_checkpoint"), "model_0000029.safetensors"); // 39 was given up by its owner

        Checkpoints resumed = new Checkpoints(folder, 2);
        resumed.resumedAt(29);
        resumed.savePeriodic(checkpoint(34));
        assertThat(names()).containsExactly("last_checkpoint", "model_0000029.safetensors", "model_0000034.safetensors", "model_0000039.safetensors",
                "model_best.safetensors");
        resumed.savePeriodic(checkpoint(39));
        resumed.saveBest(checkpoint(39));
        assertThat(names()).containsExactly("last_checkpoint", "model_0000034.safetensors", "model_0000039.safetensors", "model_best.safetensors");
        assertThat(folder.resolve("last_checkpoint")).as("the best one is none to go on from").hasContent("model_0000039.safetensors");
    }

    @Test
    void runFolderOfDetectron2IsUnderstood(@TempDir Path golden) throws IOException {
        GoldenFiles.unpack(golden);
        Files.copy(golden.resolve("micro_d2.pth"), folder.resolve("micro_d2.pth"));
        Files.writeString(folder.resolve("last_checkpoint"), "micro_d2.pth\n");
        LoadedCheckpoint read = CheckpointReader.read(new Checkpoints(folder, 0).latest().orElseThrow());
        assertThat(read.extras()).containsEntry("iteration", 1234L);
        assertThat(read.optimizer()).isPresent();
    }

    @Test
    void missingLatestIsNamed() throws IOException {
        Files.writeString(folder.resolve("last_checkpoint"), "model_0000099.safetensors");
        assertThatThrownBy(() -> new Checkpoints(folder, 0).latest()).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("last_checkpoint", "model_0000099.safetensors", "not there");
    }

    @Test
    void failedSaveLosesNothing() throws IOException {
        Checkpoints checkpoints = new Checkpoints(folder, 1);
        Path good = checkpoints.savePeriodic(checkpoint(9));
        Files.createDirectories(folder.resolve("model_0000019.safetensors/occupied"));
        assertThatThrownBy(() -> checkpoints.savePeriodic(checkpoint(19))).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("model_0000019.safetensors: cannot be written", "free some space");
        assertThat(checkpoints.latest()).contains(good);
        assertThat(TrainingCheckpoint.read(good).iteration()).isEqualTo(9);
        assertThat(names()).containsExactly("last_checkpoint", "model_0000009.safetensors", "model_0000019.safetensors");
    }
}
