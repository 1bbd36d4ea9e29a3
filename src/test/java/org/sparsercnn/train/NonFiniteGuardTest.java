package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.util.GuardStop;

class NonFiniteGuardTest {
    private static final List<Sample> BATCH = FixedBatches.batch(0, 2, 64, 64, 5);
    private static final StepResult GOOD = new StepResult(Map.of("loss_ce", 1f), 1, 1, true);
    private static final StepResult BAD = new StepResult(Map.of("loss_ce", Float.NaN), Double.NaN, Double.NaN, false);
    private static final StepResult BAD_GRADIENT = new StepResult(Map.of("loss_ce", 1f), 1, Double.POSITIVE_INFINITY, false);

    private final Device device = new CpuDevice(1, -1);
    private final Config config = Config.load(Path.of("configs/quickstart.yaml"), List.of());
    private final SparseRcnn model = new SparseRcnn(device, config.model());
    private final TrainingState state = new TrainingState(model, config, new Rng(1));
    private final NonFiniteGuard guard = new NonFiniteGuard(3, model, state);

    NonFiniteGuardTest() {
        Initialization.apply(model, 1);
    }

    @AfterEach
    void close() {
        state.close();
        model.close();
        device.close();
    }

    @Test
    void a_good_step_between_bad_ones_goes_on() {
        for (int i = 0; i < 5; i++) {
            guard.check(BAD, i, 1e-3, BATCH);
            guard.check(BAD_GRADIENT, i, 1e-3, BATCH);
            guard.check(GOOD, i, 1e-3, BATCH);
        }
        assertThat(guard.stopped()).isFalse();
        assertThat(state.skippedSteps()).isEqualTo(10);
    }

    private void stops(String... words) {
        guard.check(BAD, 7, 1e-3, BATCH);
        guard.check(BAD, 8, 1e-3, BATCH);
        assertThatThrownBy(() -> guard.check(BAD, 9, 1e-3, BATCH)).isInstanceOf(GuardStop.class).hasMessageContainingAll(words)
                .hasMessageContainingAll("loss_ce = NaN", "iteration 9", "lr 0.001", "image ids [0, 1]", "Lower SOLVER.BASE_LR");
        assertThat(guard.stopped()).isTrue();
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
    void names_the_stage_where_numbers_overflow_and_the_largest_weight() {
        fill("head.head_series.2.bboxes_delta.bias", 3e38f);
        fill("head.head_series.2.bboxes_delta.weight", 3e38f);
        stops("first not finite: head.head_series.2;", "largest weight: head.head_series.2.bboxes_delta", "3e+38");
    }

    @Test
    void says_so_where_the_forward_pass_is_finite() {
        stops("the forward pass alone is finite");
    }
}
