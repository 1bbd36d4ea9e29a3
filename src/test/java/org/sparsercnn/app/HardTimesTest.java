package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.config.Config;
import org.sparsercnn.dist.World;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.SchedulePlan;
import org.sparsercnn.util.BadInput;

/** What happens to a folder while a run works in it. */
class HardTimesTest {
    @TempDir
    Path folder;

    private int train(Path output, int steps, Hook hook, String... overrides) {
        SampleSet.write(folder.resolve("quickstart"), 6, 3, 64, 1);
        List<String> all = Stream.concat(Stream.of("OUTPUT_DIR", output.toString(), "SOLVER.MAX_ITER", "" + steps, "SOLVER.IMS_PER_BATCH", "2",
                "SOLVER.CHECKPOINT_PERIOD", "100", "TEST.EVAL_PERIOD", "0", "MODEL.SparseRCNN.NUM_HEADS", "1", "INPUT.MIN_SIZE_TRAIN", "(64,)",
                "INPUT.MAX_SIZE_TRAIN", "64", "DATALOADER.NUM_WORKERS", "1"), Stream.of(overrides)).toList();
        Config config = Config.load(Path.of("configs/quickstart.yaml"), all);
        return Training.run(new Environment(Map.of("DETECTRON2_DATASETS", folder.toString())), config,
                new Training.Options(new DeviceChoice(Optional.of("cpu"), Optional.of(1)), World.alone(), new Start.Configured(), false),
                new Training.Course(new SchedulePlan(config.solver()), List.of(hook), (_, _, _) -> {}), Interrupts.byRequest());
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void a_folder_deleted_during_the_run_is_made_anew_and_what_there_is_is_saved_soon() throws IOException {
        Path output = folder.resolve("output");
        assertThat(train(output, 45, p -> {
            if (p.iteration() == 4) {
                delete(output);
                assertThat(output).doesNotExist();
            }
        })).isZero();
        assertThat(TrainingCheckpoint.read(output.resolve("model_0000019.safetensors")).iteration()).isEqualTo(19);
        assertThat(output.resolve("model_0000039.safetensors")).as("saved once").doesNotExist();
        assertThat(output.resolve("last_checkpoint")).hasContent("model_final.safetensors");
        assertThat(output.resolve("config.yaml")).content().contains("MAX_ITER: 45");
        assertThat(output.resolve("log.txt")).content().contains("OUTPUT_DIR " + output + " was deleted while the run works in it", "Saving checkpoint");
        assertThat(output.resolve("metrics.json")).content().contains("\"iteration\":39", "\"iteration\":44");
        assertThat(output.resolve("run.lock")).doesNotExist();
    }

    @Test
    void a_lock_deleted_during_the_run_is_taken_again() {
        Path output = folder.resolve("output");
        assertThat(train(output, 25, p -> {
            if (p.iteration() == 4) {
                assertThat(output.resolve("run.lock").toFile().delete()).isTrue();
            }
            assertThat(Files.exists(output.resolve("run.lock"))).isEqualTo(p.iteration() < 4 || p.iteration() >= 19);
        })).isZero();
        assertThat(output.resolve("model_0000019.safetensors")).as("nothing was lost").doesNotExist();
    }

    /** For the steps 4 to 8 another program's file leaves not a byte: a checkpoint and an evaluation fall in that time. */
    @Test
    void a_disk_that_is_full_for_a_while_costs_a_checkpoint_and_no_number() throws Exception {
        Path first = folder.resolve("first");
        train(first, 1, _ -> {});
        Path disk = mounted(Files.size(first.resolve("model_final.safetensors")) * 5);
        Path output = disk.resolve("output");
        try {
            Path ballast = disk.resolve("ballast");
            assertThat(train(output, 12, p -> {
                if (p.iteration() == 4) {
                    fill(ballast);
                } else if (p.iteration() == 8) {
                    assertThat(ballast.toFile().delete()).isTrue();
                }
            }, "SOLVER.CHECKPOINT_PERIOD", "4", "SOLVER.KEEP_CHECKPOINTS", "2", "TEST.EVAL_PERIOD", "6")).isZero();
            try (Stream<Path> files = Files.list(output)) {
                assertThat(files.map(f -> f.getFileName().toString()).filter(name -> name.startsWith("model"))).containsExactlyInAnyOrder(
                        "model_0000003.safetensors", "model_best.safetensors", "model_final.safetensors");
            }
            assertThat(output.resolve("metrics.json")).content().containsPattern("(?s)\"bbox/AP\":.*\"iteration\":5}.*\"bbox/AP\":.*\"iteration\":11}");
            assertThat(TrainingCheckpoint.read(output.resolve("model_best.safetensors")).iteration()).isEqualTo(11);
            assertThat(output.resolve("log.txt")).content().contains("Saving checkpoint to " + output.resolve("model_final.safetensors"));
            assertThat(Stream.of(output.resolve("model_0000003.safetensors"), output.resolve("model_final.safetensors")))
                    .allSatisfy(file -> TrainingCheckpoint.read(file));
        } finally {
            unmount(disk);
        }
    }

    @Test
    void a_disk_that_stays_full_ends_the_run_with_a_message_at_its_end() throws Exception {
        Path first = folder.resolve("first");
        train(first, 1, _ -> {});
        long checkpoint = Files.size(first.resolve("model_final.safetensors"));
        Path disk = mounted(checkpoint * 3 / 2);
        try {
            long[] steps = {0};
            assertThatThrownBy(() -> train(disk, 9, _ -> steps[0]++, "SOLVER.CHECKPOINT_PERIOD", "2")).isInstanceOf(BadInput.class)
                    .hasMessageContainingAll("model_final.safetensors: cannot be written: No space left on device (", "free some space");
            assertThat(steps[0]).as("trained to the end").isEqualTo(9);
            assertThat(disk.resolve("log.txt")).content().containsPattern("model_0000003.safetensors: cannot be written: No space left on device"
                    + " \\([\\d,]+ [KM]B needed, [\\d,]+ [KM]B free\\).*The run goes on");
            assertThat(TrainingCheckpoint.read(disk.resolve("model_0000001.safetensors")).iteration()).isEqualTo(1);
            assertThat(disk.resolve("last_checkpoint")).hasContent("model_0000001.safetensors");
            assertThat(disk.resolve("inference")).as("the evaluation is not lost").exists();
            try (Stream<Path> files = Files.walk(disk)) {
                assertThat(files.map(Path::toString)).noneMatch(name -> name.contains(".part"));
            }
        } finally {
            unmount(disk);
        }
    }

    @Test
    void a_folder_that_is_read_only_is_refused_at_once() throws Exception {
        Path disk = mounted(1 << 20);
        try {
            assertThat(command("mount", "-o", "remount,ro", disk.toString())).isZero();
            assertThatThrownBy(() -> train(disk, 25, _ -> {})).isInstanceOf(BadInput.class)
                    .hasMessageContainingAll("OUTPUT_DIR " + disk + ": cannot be written: Read-only file system", "choose another OUTPUT_DIR");
        } finally {
            unmount(disk);
        }
    }

    private Path mounted(long bytes) throws Exception {
        Path disk = Files.createDirectories(folder.resolve("disk"));
        assumeTrue(command("mount", "-t", "tmpfs", "-o", "size=" + bytes, "tmpfs", disk.toString()) == 0, "mounting a small disk needs root");
        return disk;
    }

    private static void unmount(Path disk) {
        command("umount", "-l", disk.toString()); // at once: a mapped checkpoint goes when it is collected
    }

    private static int command(String... words) {
        try {
            Process process = new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void fill(Path file) {
        try (OutputStream out = Files.newOutputStream(file)) {
            while (true) {
                out.write(new byte[4096]);
            }
        } catch (IOException e) {
            assertThat(e).hasMessage("No space left on device");
        }
    }
}
