package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.dist.World;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.SchedulePlan;

/** A training that is asked to stop, without a signal. */
class InterruptsTest {
    private static final int SIGINT = 2;

    @TempDir
    Path folder;

    private Config config(Path output, int steps) {
        return Config.load(Path.of("configs/quickstart.yaml"), List.of("OUTPUT_DIR", output.toString(), "SOLVER.MAX_ITER", "" + steps,
                "SOLVER.IMS_PER_BATCH", "2", "SOLVER.CHECKPOINT_PERIOD", "100", "TEST.EVAL_PERIOD", "3", "MODEL.SparseRCNN.NUM_HEADS", "2",
                "MODEL.SparseRCNN.DROPOUT", "0.1", "INPUT.MIN_SIZE_TRAIN", "(64,)", "INPUT.MAX_SIZE_TRAIN", "64"));
    }

    private int train(Config config, int replicas, boolean resume, Interrupts interrupts, Hook hook) {
        SampleSet.write(folder.resolve("quickstart"), 6, 3, 64, 1);
        return Training.run(new Environment(Map.of("DETECTRON2_DATASETS", folder.toString())), config,
                new Training.Options(new DeviceChoice(Optional.of("cpu"), Optional.of(1)), World.threads(replicas), resume ? new Start.Resumed() : new Start.Configured(), false),
                new Training.Course(new SchedulePlan(config.solver()), List.of(hook), (_, _, _) -> {}), interrupts);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void stopped_and_resumed_is_as_never_stopped(int replicas) {
        Config whole = config(folder.resolve("whole"), 8);
        assertThat(train(whole, replicas, false, Interrupts.byRequest(), _ -> {})).isZero();

        Config parts = config(folder.resolve("parts"), 8);
        Interrupts interrupts = Interrupts.byRequest();
        List<Long> steps = new ArrayList<>();
        assertThat(train(parts, replicas, false, interrupts, p -> {
            steps.add(p.iteration());
            if (p.iteration() == 3) {
                interrupts.request(SIGINT);
            }
        })).isEqualTo(130);
        assertThat(steps).as("the step that runs when asked is followed by at most one, whose end is asked").containsExactly(0L, 1L, 2L, 3L, 4L);
        assertThat(folder.resolve("parts/model_0000004.safetensors")).exists();
        assertThat(folder.resolve("parts/model_final.safetensors")).doesNotExist();

        assertThat(train(parts, replicas, true, Interrupts.byRequest(), _ -> {})).isZero();
        Map<String, HostTensor> wanted = weights("whole");
        weights("parts").forEach((name, tensor) -> assertThat(tensor.toFloats()).as(name).isEqualTo(wanted.get(name).toFloats()));
    }

    private Map<String, HostTensor> weights(String run) {
        return TrainingCheckpoint.read(folder.resolve(run).resolve("model_final.safetensors")).model().tensors();
    }

    @Test
    void an_evaluation_is_given_up() {
        Interrupts interrupts = Interrupts.byRequest();
        Config config = config(folder.resolve("run"), 2);
        assertThat(train(config, 1, false, interrupts, p -> {
            if (p.isLast()) {
                interrupts.request(SIGINT);
            }
        })).isEqualTo(130);
        assertThat(folder.resolve("run/model_final.safetensors")).exists();
        assertThat(folder.resolve("run/inference")).doesNotExist();
    }

    @Test
    void exit_codes_are_those_of_shells() {
        Interrupts interrupts = Interrupts.byRequest();
        assertThat(interrupts.requested()).isFalse();
        interrupts.request(15);
        assertThat(interrupts.requested()).isTrue();
        assertThat(interrupts.exitCode()).isEqualTo(143);
    }
}
