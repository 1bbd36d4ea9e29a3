package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

class NonFiniteGuardTest {
    private static final Config CONFIG = Config.load(Path.of("configs/quickstart.yaml"), List.of("MODEL.SparseRCNN.DROPOUT", "0.1",
            "SOLVER.ACCUMULATION_STEPS", "2", "SOLVER.EMA_DECAY", "0.9"));
    private static final List<Sample> BATCH = FixedBatches.batch(0, 2, 64, 64, 5);
    private static final StepResult GOOD = new StepResult(Map.of("loss_ce", 1f), 1, 1, true);
    private static final StepResult BAD = new StepResult(Map.of("loss_ce", Float.NaN), Double.NaN, Double.NaN, false);
    private static final StepResult BAD_GRADIENT = new StepResult(Map.of("loss_ce", 1f), 1, Double.POSITIVE_INFINITY, false);

    @TempDir
    Path folder;

    private final Device device = new CpuDevice(1, -1);
    private final SparseRcnn model = new SparseRcnn(device, CONFIG.model());
    private final TrainingState state = new TrainingState(model, CONFIG, new Rng(1));
    private final TrainingStep step = new TrainingStep(model, state, LocalGroup.alone(), DType.F32, new Accumulation(2));

    NonFiniteGuardTest() {
        Initialization.apply(model, 1);
        state.begin(LocalGroup.alone());
    }

    @AfterEach
    void close() {
        state.close();
        model.close();
        assertThat(device.memory().inUse()).isZero();
        device.close();
    }

    private NonFiniteGuard guard(int limit) {
        return new NonFiniteGuard(limit, step, folder, CONFIG.dump());
    }

    private static Attempt attempt(long iteration, StepResult result) {
        return new Attempt(iteration, BATCH, 1e-3, 77, 6, result.total(), 0, result);
    }

    @Test
    void a_good_step_between_bad_ones_goes_on() {
        NonFiniteGuard guard = guard(3);
        for (int i = 0; i < 5; i++) {
            guard.check(attempt(i, BAD));
            guard.check(attempt(i, BAD_GRADIENT));
            guard.check(attempt(i, GOOD));
        }
        assertThat(guard.stopped()).isFalse();
        assertThat(state.skippedSteps()).isEqualTo(10);
        assertThat(folder).isEmptyDirectory();
    }

    private void stops(String... words) {
        NonFiniteGuard guard = guard(3);
        guard.check(attempt(7, BAD));
        guard.check(attempt(8, BAD));
        assertThatThrownBy(() -> guard.check(attempt(9, BAD))).isInstanceOf(GuardStop.class).hasMessageContainingAll(words)
                .hasMessageContainingAll("stopped after 3 steps in a row", "(3 in all)", "loss_ce = NaN", "iteration 9", "lr 0.001", "image ids [0, 1]",
                        "train --replay " + folder.resolve("nonfinite_0000009.safetensors"), "Lower SOLVER.BASE_LR");
        assertThat(guard.stopped()).isTrue();
        assertThat(folder.resolve("nonfinite_0000009.safetensors")).isNotEmptyFile();
    }

    private void fill(String name, float value) {
        Parameter p = model.parameters().get(name);
        float[] values = p.published();
        Arrays.fill(values, value);
        p.setPublished(values);
    }

    @Test
    void names_a_parameter_that_is_not_finite() {
        fill("head.head_series.1.linear1.bias", Float.NaN);
        stops("first not finite: the parameter head.head_series.1.linear1.bias");
    }

    @Test
    void names_the_layer_where_numbers_overflow_and_the_largest_weight() {
        fill("head.head_series.2.bboxes_delta.bias", 3e38f);
        fill("head.head_series.2.bboxes_delta.weight", 3e38f);
        stops("first not finite: the output of head.head_series.2.bboxes_delta (Linear);", "largest weight: head.head_series.2.bboxes_delta", "3e+38");
    }

    @Test
    void names_the_op_after_the_last_layer() {
        fill("backbone.fpn_output2.bias", 3e38f); // finite, but not in a sum of two
        stops("first not finite: the output of DynamicConv after head.head_series.0.inst_interact.dynamic_layer;", "largest weight: backbone.fpn_output2.bias");
    }

    @Test
    void says_so_where_the_step_is_finite_now() {
        stops("first not finite: nothing: taken once more", "the forward pass alone is finite");
    }

    /** Real steps, one of whose boxes is no number: the file has all it takes, bit for bit. */
    @Test
    void the_step_is_kept_and_taken_once_more_with_the_same_numbers() {
        step.run(BATCH, 1e-3).await();
        List<Sample> bad = new ArrayList<>(FixedBatches.batch(1, 2, 64, 96, 5));
        Sample s = bad.getLast();
        float[] boxes = s.boxesXyxyPx().clone();
        boxes[2] = Float.NaN;
        bad.set(1, new Sample(4711, Path.of("photos/4711.jpg"), s.original(), s.image(), boxes, s.classes(), List.of()));
        PendingStep pending = step.run(bad, 1e-3);
        StepResult result = pending.await();
        assertThat(result.finite()).isFalse();
        assertThatThrownBy(() -> guard(1).check(pending.attempt(5, bad, 1e-3, 1, 2))).isInstanceOf(GuardStop.class)
                .hasMessageContainingAll("image ids [0, 4711]", "first not finite: the losses; the forward pass alone is finite");

        FailedStep kept = FailedStep.read(folder.resolve("nonfinite_0000005.safetensors"));
        assertThat(kept.iteration()).isEqualTo(5);
        assertThat(kept.queuedBehind()).isEqualTo(2);
        assertThat(kept.lr()).isEqualTo(1e-3);
        assertThat(kept.config()).isEqualTo(CONFIG.dump());
        assertThat(kept.batch().getLast().file()).isEqualTo(Path.of("photos/4711.jpg"));
        assertThat(kept.batch().getLast().boxesXyxyPx()).containsExactly(boxes);
        assertThat(kept.batch().getFirst().image().pixels()).isEqualTo(bad.getFirst().image().pixels());
        assertThat(kept.result().losses()).isEqualTo(result.losses());

        StepReplay.Outcome again = StepReplay.take(kept, CONFIG, device);
        assertThat(again.result().losses()).as("dropout included").isEqualTo(result.losses());
        assertThat(again.result().finite()).isFalse();
        assertThat(again.place()).hasValueSatisfying(p -> assertThat(p).contains("the losses; the forward pass alone is finite"));
    }

    /** Weights so large that losses are finite and gradients are not. */
    @Test
    void a_gradient_that_is_not_finite_is_named() {
        fill("head.head_series.0.norm3.weight", 1e30f);
        fill("head.head_series.0.class_logits.weight", 1e15f);
        PendingStep pending = step.run(BATCH, 1e-3);
        StepResult result = pending.await();
        assertThat(result.finite()).isFalse();
        String place = NonFinitePlace.describe(step.alone(), pending.attempt(0, BATCH, 1e-3, 1, 0));
        assertThat(place).startsWith("first not finite: ").contains("largest weight: head.head_series.0.norm3.weight with 1e+30");
        assertThat(place).contains(Double.isFinite(result.total()) ? "the gradient of " : "the ");
        assertThat(model.parameters().trainable()).allSatisfy(p -> assertThat(p.variable().grad()).isNull());
    }

    @Test
    void a_full_disk_does_not_hide_why_the_run_stops() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        NonFiniteGuard guard = new NonFiniteGuard(1, step, file, CONFIG.dump());
        assertThatThrownBy(() -> guard.check(attempt(0, BAD))).isInstanceOf(GuardStop.class)
                .hasMessageContainingAll("stopped after 1 steps in a row", "The step could not be kept (", "Lower SOLVER.BASE_LR");
    }

    /** The rank whose losses are not finite speaks; where it is a gradient, all keep their images. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void the_rank_that_saw_it_keeps_it(boolean gradient) throws InterruptedException {
        LocalGroup group = new LocalGroup(2, 60);
        List<Throwable> ends = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = Stream.of(0, 1).map(rank -> Thread.ofPlatform().start(() -> {
            try (Device own = new CpuDevice(1, -1); SparseRcnn twin = new SparseRcnn(own, CONFIG.model());
                    TrainingState s = new TrainingState(twin, CONFIG, new Rng(1))) {
                Initialization.apply(twin, 1);
                Collective member = group.member(rank);
                NonFiniteGuard guard = new NonFiniteGuard(1, new TrainingStep(twin, s, member), folder, CONFIG.dump());
                StepResult mine = gradient ? BAD_GRADIENT : rank == 1 ? BAD : new StepResult(Map.of("loss_ce", 1f), 1, Double.NaN, false);
                guard.check(new Attempt(3, BATCH, 1e-3, 0, 6, gradient ? 2 : Double.NaN, 0, mine));
            } catch (GuardStop e) {
                ends.add(e);
                group.abort();
            }
        })).toList();
        for (Thread t : threads) {
            t.join();
        }
        assertThat(ends).hasSize(2);
        assertThat(ends.getFirst()).hasMessageContaining("stopped after 1 steps");
        assertThat(folder.resolve("nonfinite_0000003_rank1.safetensors")).isNotEmptyFile();
        assertThat(Files.exists(folder.resolve("nonfinite_0000003_rank0.safetensors"))).isEqualTo(gradient);
    }

    @Test
    void a_file_that_holds_no_step_is_refused() throws IOException {
        Path file = folder.resolve("x.safetensors");
        org.sparsercnn.io.Safetensors.write(file, org.sparsercnn.io.ModelState.export(model.parameters()));
        assertThatThrownBy(() -> FailedStep.read(file)).isInstanceOf(BadInput.class).hasMessageContainingAll(file.toString(), "holds no step to replay");
        Files.writeString(file, "hello");
        assertThatThrownBy(() -> FailedStep.read(file)).isInstanceOf(BadInput.class).hasMessageContaining(file.toString());
    }
}
