package org.sparsercnn.train;

import java.util.List;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.MemoryUse;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.selftest.Check;
import org.sparsercnn.selftest.Mode;
import org.sparsercnn.selftest.Worst;
import org.sparsercnn.testing.GoldenWeights;

/** Training steps of the recorded tiny model. */
public enum TrainingCheck implements Check {
    /** Twenty steps from the same weights on the same batches as the CPU device. */
    BESIDE_CPU("training beside the CPU") {
        @Override
        public void run(Device device, Mode mode, Worst worst) {
            try (Run run = new Run(device, mode); Device cpu = new CpuDevice(2, -1); Run twin = new Run(cpu, Mode.FP32)) {
                double first = 0;
                for (int i = 0; i < STEPS; i++) {
                    StepResult got = run.step(i);
                    StepResult wanted = twin.step(i);
                    worst.count();
                    worst.add("loss of step " + i, got.finite() ? Math.abs(got.total() - wanted.total()) / wanted.total() : Double.NaN, bound(mode));
                    first = i == 0 ? got.total() : first;
                    if (i == STEPS - 1 && !(got.total() < 0.9 * first)) {
                        worst.add("no learning: loss " + first + ", then " + got.total(), Double.NaN, 1);
                    }
                }
            }
        }

        /** fp32: sums in another order part by up to 2.2e-3 in twenty steps. TF32, rounded by a CPU, parted by 1.5e-2: AdamW makes whole steps of rounding. */
        private static double bound(Mode mode) {
            return switch (mode) {
                case FP32 -> 5e-3;
                case TF32 -> 4e-2;
                case BF16 -> 1e-1;
            };
        }
    },

    /** Two hundred steps hold no more memory than twenty. */
    LEAKS("soak: memory over 200 steps") {
        @Override
        public void run(Device device, Mode mode, Worst worst) {
            try (Run run = new Run(device, mode)) {
                MemoryUse early = null;
                for (int i = 0; i < LEAK_STEPS; i++) {
                    run.step(i % STEPS);
                    if (i == STEPS) {
                        device.synchronize();
                        early = device.memory();
                    }
                }
                device.synchronize();
                worst.count();
                worst.add("bytes in use more than after " + STEPS + " steps", device.memory().inUse() - early.inUse(), 0.5);
                worst.add("bytes at the worst moment more than in " + STEPS + " steps", device.memory().peak() - early.peak(), 0.5);
            }
        }
    };

    private static final int STEPS = 20;
    private static final int LEAK_STEPS = 200;

    private final String title;

    TrainingCheck(String title) {
        this.title = title;
    }

    public static List<Check> all() {
        return List.of(values());
    }

    @Override
    public String title() {
        return title;
    }

    /** A model with its optimiser. */
    private static final class Run implements AutoCloseable {
        private static final double LR = 1e-4;
        private static final int BATCH = 5;

        private final SparseRcnn model;
        private final TrainingState state;
        private final TrainingStep step;
        private final Config config;

        Run(Device device, Mode mode) {
            GoldenWeights golden = GoldenWeights.load("model_tiny");
            config = golden.config().with("SOLVER.OPTIMIZER", "ADAMW");
            model = new SparseRcnn(device, config.model());
            golden.fill(model);
            Rng rng = new Rng(1);
            state = new TrainingState(model, config, rng);
            step = new TrainingStep(model, state, LocalGroup.alone(), mode.compute(), Accumulation.NONE);
        }

        StepResult step(int index) {
            return step.run(FixedBatches.batch(BATCH, 2, 96, 128, config.model().sparseRcnn().numClasses()), LR).await();
        }

        @Override
        public void close() {
            state.close();
            model.close();
        }
    }
}
