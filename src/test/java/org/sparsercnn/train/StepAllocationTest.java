package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;

/** What a training step leaves on the Java heap: bookkeeping, of a size that does not grow. */
class StepAllocationTest {
    private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int WARM = 20;
    private static final int STEPS = 150;

    @Test
    void less_than_256_kilobytes_and_flat() {
        Config config = Config.load(Path.of("configs/quickstart.yaml"), List.of());
        List<Sample> batch = FixedBatches.batch(0, 1, 64, 64, 5);
        Rng rng = new Rng(1);
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            Initialization.apply(model, 1);
            try (TrainingState state = new TrainingState(model, config, rng)) {
                TrainingStep step = new TrainingStep(model, state, LocalGroup.alone());
                long[] bytes = new long[STEPS];
                for (int i = 0; i < STEPS; i++) {
                    long before = THREAD.getCurrentThreadAllocatedBytes();
                    PendingStep pending = step.run(batch, 1e-4);
                    bytes[i] = THREAD.getCurrentThreadAllocatedBytes() - before;
                    pending.await();
                }
                assertThat(bytes[WARM]).as("bytes of a step").isLessThan(256 << 10);
                // Compiled code allocates less; it must never be more, but for lists and piles that grow once.
                for (int i = WARM; i < STEPS; i++) {
                    assertThat(bytes[i]).as("bytes of step " + i).isLessThanOrEqualTo(bytes[WARM] + (8 << 10));
                }
            }
        }
    }
}
