package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.CudaDevice;
import org.sparsercnn.device.cuda.FakeNccl;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/** Ranks that are threads of this process, a null GPU each. */
@Timeout(60)
class GpuGroupTest {
    private static void run(int ranks, long timeoutSeconds, Consumer<Collective> work) {
        GpuGroup groups = new GpuGroup(new FakeNccl(), ranks, timeoutSeconds);
        Replicas.run(ranks, groups, (rank, failed) -> {
            try (CudaDevice device = NullGpu.lateDevice(); Collective group = groups.join(rank, device)) {
                try {
                    Tensor x = Tensor.of(device, new float[] {rank, 1}, 2);
                    group.allReduceSum(x, 2, DType.F32);
                    assertThat(x.toFloats()).containsExactly(ranks * (ranks - 1) / 2f, ranks);
                    work.accept(group);
                    x.release();
                } catch (RuntimeException | Error e) {
                    failed.accept(e);
                    throw e;
                }
            }
        });
    }

    @Test
    void ranksAddUp() {
        Set<Integer> seen = new ConcurrentSkipListSet<>();
        run(4, 20, group -> {
            seen.add(group.rank() + 100 * group.size());
            group.barrier();
        });
        assertThat(seen).containsExactly(400, 401, 402, 403);
    }

    @Test
    void theFirstFailureEndsAllAndIsTheOneThatIsTold() {
        Set<String> told = new ConcurrentSkipListSet<>();
        assertThatThrownBy(() -> run(3, 20, group -> {
            if (group.rank() == 1) {
                throw new BadInput("the cause");
            }
            try {
                group.barrier();
            } catch (GuardStop e) {
                told.add(e.getMessage());
                throw e;
            }
        })).isInstanceOf(BadInput.class).hasMessage("the cause");
        assertThat(told).containsExactly("replica 0: another replica failed", "replica 2: another replica failed");
    }

    @Test
    void oneThatDoesNotComeIsNotWaitedForEver() {
        assertThatThrownBy(() -> run(2, 1, group -> {
            if (group.rank() == 0) {
                group.barrier(); // alone
            }
        })).isInstanceOf(GuardStop.class).hasMessage("replica 0: the others did not answer in 1 s");
    }

    @Test
    void aCpuIsNoMember() {
        try (CpuDevice cpu = new CpuDevice(1, -1)) {
            assertThatThrownBy(() -> new GpuGroup(new FakeNccl(), 1, 1).join(0, cpu)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("rank 0 computes on cpu");
        }
    }
}
