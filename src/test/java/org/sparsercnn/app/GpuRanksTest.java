package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.FakeNccl;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.dist.Launch;
import org.sparsercnn.dist.World;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/** Ranks that are threads of this process, a null GPU each. */
@Timeout(60)
class GpuRanksTest {
    private static void run(int ranks, Duration timeout, Consumer<Collective> work) {
        FakeNccl nccl = new FakeNccl();
        Ranks.run(World.open(Launch.threads(ranks), timeout, nccl::uniqueId), rank -> {
            rank.world().begin(rank.number());
            try (CudaDevice device = NullGpu.lateDevice(); Collective group = rank.join(device, nccl)) {
                rank.guard(() -> {
                    Tensor x = Tensor.of(device, new float[] {rank.number(), 1}, 2);
                    group.allReduceSum(x, 2, DType.F32);
                    assertThat(x.toFloats()).containsExactly(ranks * (ranks - 1) / 2f, ranks);
                    work.accept(group);
                    x.release();
                });
            }
        });
    }

    @Test
    void they_add_up() {
        Set<Integer> seen = new ConcurrentSkipListSet<>();
        run(4, Duration.ofSeconds(20), group -> {
            seen.add(group.rank() + 100 * group.size());
            group.barrier();
        });
        assertThat(seen).containsExactly(400, 401, 402, 403);
    }

    @Test
    void the_first_failure_ends_all_and_is_the_one_that_is_told() {
        Set<String> told = new ConcurrentSkipListSet<>();
        assertThatThrownBy(() -> run(3, Duration.ofSeconds(20), group -> {
            if (group.rank() == 1) {
                throw new BadInput("the cause");
            }
            try {
                group.barrier();
            } catch (BadInput | GuardStop e) {
                told.add(e.getMessage());
                throw e;
            }
        })).isInstanceOf(GuardStop.class).hasMessageMatching("rank 1 on .+: the cause");
        assertThat(told).allSatisfy(text -> assertThat(text).matches("rank 1 on .+: the cause|.*abort.*"));
    }

    /** Its thread does something else than it should, for a while. */
    @Test
    void one_that_hangs_is_not_waited_for_ever() {
        assertThatThrownBy(() -> run(2, Duration.ofSeconds(1), group -> {
            if (group.rank() == 0) {
                group.barrier();
            } else {
                sleep(Duration.ofSeconds(4));
            }
        })).isInstanceOf(GuardStop.class).hasMessageMatching("rank 1 on .+: hangs: another rank has waited \\d s .*");
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
