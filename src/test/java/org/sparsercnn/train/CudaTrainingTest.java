package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.optim.Ema;

/** Training on the CUDA device with everything below it stood in for, and work done as late as a GPU may do it. */
class CudaTrainingTest {
    private static final Config CONFIG = Config.load(Path.of("configs/quickstart.yaml"), List.of("SOLVER.EMA_DECAY", "0.9"));
    private static final int STEPS = 3;
    /** Small: rounding turns the first moves of weights whose gradient is nearly 0, and a matching that stands on edge must not turn with them. */
    private static final double LR = 1e-4;
    private static final String AVERAGED = "head.head_series.2.class_logits.weight";

    /** What training left; the average is that of a few weights. */
    private record Trained(List<Double> losses, Map<String, float[]> weights, float[] average) {}

    private static Trained train(Device device, int parts) {
        Rng rng = new Rng(1);
        try (SparseRcnn model = new SparseRcnn(device, CONFIG.model())) {
            Initialization.apply(model, 1);
            try (TrainingState state = new TrainingState(model, CONFIG, rng)) {
                state.begin(LocalGroup.alone());
                TrainingStep step = new TrainingStep(model, state, LocalGroup.alone(), DType.F32, new Accumulation(parts));
                List<PendingStep> pending = new ArrayList<>();
                long waits = waits(device);
                for (int i = 0; i < STEPS; i++) {
                    pending.add(step.run(FixedBatches.batch(i, parts, 64, 64, 5), LR));
                }
                assertThat(waits(device)).as("host waits in %d steps", STEPS).isEqualTo(waits);
                List<Double> losses = pending.stream().map(p -> p.await().total()).toList();
                Map<String, float[]> weights = new HashMap<>();
                model.parameters().all().forEach(p -> weights.put(p.name(), p.published()));
                try (Ema.InPlace _ = state.averaged()) {
                    return new Trained(losses, weights, model.parameters().get(AVERAGED).published());
                }
            }
        }
    }

    private static long waits(Device device) {
        return device instanceof CudaDevice cuda ? cuda.hostWaits() : 0;
    }

    /** Root mean square. */
    private static double distance(float[] a, float[] b) {
        double far = 0;
        for (int i = 0; i < a.length; i++) {
            far += Math.pow(a[i] - b[i], 2);
        }
        return Math.sqrt(far / a.length);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void the_host_never_waits_and_the_numbers_are_the_cpus(int parts) {
        Trained wanted;
        try (Device cpu = new CpuDevice(2, -1)) {
            wanted = train(cpu, parts);
        }
        try (CudaDevice cuda = NullGpu.lateDevice()) {
            Trained got = train(cuda, parts);
            for (int i = 0; i < STEPS; i++) {
                assertThat(got.losses.get(i)).as("loss of step %d", i).isCloseTo(wanted.losses.get(i), within((i == 0 ? 5e-5 : 2e-3) * wanted.losses.get(i)));
            }
            wanted.weights.forEach((name, w) -> {
                // AdamW moves every weight by about lr a step, in a direction that rounding may turn where a gradient is nearly 0.
                assertThat(distance(got.weights.get(name), w)).as(name).isLessThan(STEPS * LR / 20);
            });
            assertThat(got.average).isNotEqualTo(got.weights.get(AVERAGED));
            assertThat(distance(got.average, wanted.average)).isLessThan(STEPS * LR / 20);
            assertThat(cuda.memory().inUse()).isZero();
        }
    }
}
