package org.sparsercnn.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.device.Readback;
import org.sparsercnn.device.cuda.NullDriver.Pace;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Bf16;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/** What a rank queues in which order, and that it never waits for ever, by what the null driver and the fake of NCCL write down. */
@Timeout(30)
class NcclGroupTest {
    private final FakeNccl nccl = new FakeNccl();

    /** Gives a wait up when it has been asked so often. */
    private static Lookout patience(int checks) {
        AtomicInteger asked = new AtomicInteger();
        return lookout(() -> {
            if (asked.incrementAndGet() > checks) {
                throw new GuardStop("rank 1 is lost");
            }
        });
    }

    private static Lookout lookout(Runnable check) {
        return () -> new Lookout.Wait() {
            @Override
            public void check() {
                check.run();
            }

            @Override
            public void close() {}
        };
    }

    private NcclGroup alone(NullGpu gpu) {
        return gpu.device.join(nccl, nccl.uniqueId(), 0, 1, Lookout.NONE);
    }

    /** What was queued on streams or says in which order they go, each with its streams by name. */
    private static List<String> order(NullGpu gpu, long from) {
        List<String> order = new ArrayList<>();
        for (NullDriver.Call call : gpu.driver.calls().subList((int) from, gpu.driver.calls().size())) {
            String[] words = call.detail().split(" ");
            switch (call.name()) {
                case "eventRecord" -> order.add("record on " + stream(words[2]));
                case "streamWaitEvent" -> order.add(stream(words[0]) + " waits");
                case "library" -> order.add(words[0] + " on " + stream(words[words.length - 1]));
                case "fill", "copyOnDevice" -> order.add("work on " + stream(words[2]));
                default -> {}
            }
        }
        return order;
    }

    private static String stream(String handle) {
        return handle.equals("1") ? "compute" : "comm";
    }

    private static long now(NullGpu gpu) {
        return gpu.driver.calls().size();
    }

    // Order

    @Test
    void aSumLiesBetweenWhatComesBeforeAndAfter() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE); NcclGroup group = alone(gpu)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2, 3}, 3);
            long from = now(gpu);
            group.allReduceSum(x, 3);
            assertThat(order(gpu, from)).containsExactly("record on compute", "comm waits", "allReduce on comm", "record on comm", "compute waits");
            assertThat(nccl.calls()).contains("allReduce 3 F32");
            from = now(gpu);
            group.broadcast(x, 12, 0);
            assertThat(order(gpu, from)).containsExactly("record on compute", "comm waits", "broadcast on comm", "record on comm", "compute waits");
            x.release();
        }
    }

    @Test
    void aSumThatHasBegunRunsBesideWhatIsComputedUntilItIsFinished() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE); NcclGroup group = alone(gpu)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2, 3}, 3);
            Tensor y = Tensor.of(gpu.device, new float[] {1, 2, 3}, 3);
            long from = now(gpu);
            Collective.Pending first = group.startAllReduceSum(x, 3, DType.F32);
            gpu.device.zero(y, 12);
            Collective.Pending second = group.startAllReduceSum(x, 6, DType.BF16);
            gpu.device.zero(y, 12);
            first.finish();
            second.finish();
            second.finish(); // is no second wait
            assertThat(order(gpu, from)).containsExactly("record on compute", "comm waits", "allReduce on comm", "record on comm", "work on compute",
                    "record on compute", "comm waits", "allReduce on comm", "record on comm", "work on compute", "compute waits", "compute waits");
            assertThat(nccl.calls()).contains("allReduce 3 F32", "allReduce 6 BF16");
            x.release();
            y.release();
        }
    }

    /** From the last thing computed before the waits to where the compute stream goes on; told when both have been. */
    @Test
    void theTimeThatSumsKeepTheComputeStreamWaiting() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE); NcclGroup group = alone(gpu)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2, 3}, 3);
            for (int step = 0; step < 2; step++) {
                Collective.Pending sum = group.startAllReduceSum(x, 3, DType.F32);
                gpu.device.zero(x, 4);
                long from = now(gpu);
                Collective.Timed time = group.timed(sum::finish);
                assertThat(order(gpu, from)).containsExactly("record on compute", "compute waits", "record on compute");
                x.toFloats();
                assertThat(time.seconds()).isBetween(0.0, 1e-3);
            }
            x.release();
        }
    }

    /** A call may return before the collective is on its stream; an event that were recorded at once would not wait for it. */
    @Test
    void whatTheLibraryQueuesLateIsStillBeforeItsEvent() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE); NcclGroup group = alone(gpu)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2, 3}, 3);
            nccl.slow(500);
            long from = now(gpu);
            group.allReduceSum(x, 3);
            assertThat(order(gpu, from)).containsExactly("record on compute", "comm waits", "allReduce on comm", "record on comm", "compute waits");
            x.release();
        }
    }

    @Test
    void eventsAreUsedAgain() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE); NcclGroup group = alone(gpu)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2, 3}, 3);
            group.allReduceSum(x, 3);
            group.barrier();
            int events = gpu.driver.alive().get("events");
            for (int i = 0; i < 100; i++) {
                group.allReduceSum(x, 3);
                group.barrier();
            }
            assertThat(gpu.driver.alive()).containsEntry("events", events);
            x.release();
        }
    }

    @Test
    void recordedWorkHasNoCollectives() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE); NcclGroup group = alone(gpu)) {
            Tensor x = Tensor.of(gpu.device, new float[] {1}, 1);
            assertThatThrownBy(() -> gpu.device.record(() -> group.allReduceSum(x, 1))).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("recorded work must not").hasMessageContaining("a collective");
            group.allReduceSum(x, 1); // and it goes on
            assertThatThrownBy(() -> group.allReduceSum(x, 1, DType.I32)).isInstanceOf(IllegalArgumentException.class);
            x.release();
        }
    }

    // Numbers

    /** What a rank does. */
    @FunctionalInterface
    private interface Rank {
        float[] run(NullGpu gpu, NcclGroup group);
    }

    private List<float[]> ranks(int count, Pace pace, Lookout lookout, Rank work) throws Exception {
        byte[] id = nccl.uniqueId();
        List<Callable<float[]>> ranks = new ArrayList<>();
        for (int r = 0; r < count; r++) {
            int rank = r;
            ranks.add(() -> {
                try (NullGpu gpu = NullGpu.of(pace); NcclGroup group = gpu.device.join(nccl, id, rank, count, lookout)) {
                    return work.run(gpu, group);
                }
            });
        }
        List<float[]> found = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            for (Future<float[]> rank : threads.invokeAll(ranks)) {
                found.add(rank.get());
            }
        }
        return found;
    }

    /** Work that is done as late or as early as may be: every wait that were missing would show. */
    @ParameterizedTest
    @EnumSource(Pace.class)
    void ranksAddUpWhatWasComputedBeforeAndComputeWithTheSum(Pace pace) throws Exception {
        List<float[]> found = ranks(3, pace, Lookout.NONE, (gpu, group) -> {
            int rank = group.rank();
            CudaDevice device = gpu.device;
            Tensor x = Tensor.of(device, new float[] {rank, 10 * rank}, 2);
            Tensor y = Tensor.of(device, new float[] {-1, -1}, 2);
            Tensor z = Bf16.tensor(device, new float[] {rank + 1, 0.5f}, 2);
            Tensor copied = Tensor.of(device, new float[] {rank, rank}, 2);
            device.copy(x, y, 8); // (rank, 10 rank), summed as computed here
            Collective.Pending sum = group.startAllReduceSum(y, 2, DType.F32);
            Collective.Pending halves = group.startAllReduceSum(z, 2, DType.BF16);
            device.zero(x, 8);
            sum.finish();
            halves.finish();
            device.copy(y, x, 8);
            device.zero(y, 8); // behind the copy of the sum
            group.broadcast(copied, 8, 2);
            float[] result = {0, 0, 0, 0, 0};
            try (Readback read = device.read(x, 8); Readback all = device.read(copied, 8)) {
                result[0] = group.await(read).get(ValueLayout.JAVA_FLOAT, 0);
                result[1] = group.await(read).get(ValueLayout.JAVA_FLOAT, 4);
                result[2] = group.await(all).get(ValueLayout.JAVA_FLOAT, 4);
            }
            float[] narrow = Bf16.floats(z);
            result[3] = narrow[0];
            result[4] = narrow[1];
            group.barrier();
            List.of(x, y, z, copied).forEach(Tensor::release);
            return result;
        });
        assertThat(found).hasSize(3).allSatisfy(rank -> assertThat(rank).containsExactly(3, 30, 2, 6, 1.5f));
        assertThat(nccl.count("destroy")).isEqualTo(3);
        assertThat(nccl.count("abort")).isZero();
    }

    @Test
    void aBarrierWaitsForTheLast() throws Exception {
        AtomicBoolean last = new AtomicBoolean();
        CountDownLatch first = new CountDownLatch(1);
        Lookout waits = lookout(first::countDown); // rank 0 has been waiting by then
        List<float[]> found = ranks(2, Pace.LATE, waits, (_, group) -> {
            if (group.rank() == 1) {
                try {
                    first.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                last.set(true);
            }
            group.barrier();
            return new float[] {last.get() ? 1 : 0};
        });
        assertThat(found).allSatisfy(rank -> assertThat(rank).containsExactly(1));
    }

    // Ends

    @Test
    void aMemberLeavesOnceAndLeavesNothing() {
        NullGpu gpu = NullGpu.of(Pace.LATE);
        Map<String, Integer> before = gpu.driver.alive();
        long held = gpu.device.memory().inUse();
        NcclGroup group = alone(gpu);
        group.barrier();
        group.close();
        group.close();
        assertThat(nccl.calls().subList(nccl.calls().size() - 2, nccl.calls().size())).containsExactly("finalize", "destroy");
        assertThat(nccl.count("destroy")).isEqualTo(1);
        assertThat(gpu.driver.alive()).containsEntry("streams", before.get("streams")).doesNotContainKey("events");
        assertThat(gpu.device.memory().inUse()).isEqualTo(held);
        assertThatThrownBy(group::barrier).isInstanceOf(IllegalStateException.class).hasMessageContaining("has left its group");
        group.abort();
        assertThat(nccl.count("abort")).isZero();
        gpu.close();
    }

    /** Rank 1 has joined, but never comes to the sum. */
    private void lostRank(Lookout lookout, BiConsumer<NullGpu, NcclGroup> work) throws Exception {
        byte[] id = nccl.uniqueId();
        try (NullGpu gpu = NullGpu.of(Pace.LATE); ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<NcclGroup> joined = other.submit(() -> NullGpu.of(Pace.LATE).device.join(nccl, id, 1, 2, Lookout.NONE));
            NcclGroup group = gpu.device.join(nccl, id, 0, 2, lookout);
            joined.get();
            work.accept(gpu, group);
            group.close();
        }
        assertThat(nccl.count("abort")).isEqualTo(1);
        assertThat(nccl.count("destroy")).isZero();
    }

    @Test
    void aWaitIsGivenUpWhenTheLookoutSaysSo() throws Exception {
        AtomicBoolean lost = new AtomicBoolean();
        Lookout lookout = lookout(() -> {
            if (lost.get()) {
                throw new GuardStop("rank 1 is lost");
            }
        });
        lostRank(lookout, (gpu, group) -> {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2}, 2);
            Collective.Pending begun = group.startAllReduceSum(x, 2, DType.F32);
            group.allReduceSum(x, 2);
            Readback read = gpu.device.read(x, 8);
            lost.set(true);
            assertThatThrownBy(() -> group.await(read)).isInstanceOf(GuardStop.class).hasMessage("rank 1 is lost");
            for (Runnable later : List.<Runnable>of(group::barrier, begun::finish, () -> group.allReduceSum(x, 2), () -> group.await(read))) {
                assertThatThrownBy(later::run).isInstanceOf(GuardStop.class).hasMessage("rank 1 is lost");
            }
            gpu.device.synchronize(); // what was queued behind the sum has come to its end
            read.close();
            x.release();
        });
    }

    @Test
    void aBarrierIsGivenUpToo() throws Exception {
        lostRank(patience(50), (_, group) -> assertThatThrownBy(group::barrier).isInstanceOf(GuardStop.class).hasMessage("rank 1 is lost"));
    }

    @Test
    void leavingIsGivenUpToo() throws Exception {
        lostRank(patience(50), (gpu, group) -> {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2}, 2);
            group.startAllReduceSum(x, 2, DType.F32);
            group.close();
            x.release();
        });
    }

    @Test
    void anotherThreadMayAbort() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        lostRank(lookout(waiting::countDown), (gpu, group) -> {
            Thread watch = Thread.ofPlatform().start(() -> {
                try {
                    waiting.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                group.abort();
                group.abort();
            });
            assertThatThrownBy(group::barrier).isInstanceOf(GuardStop.class).hasMessage("rank 0: its group of 2 GPUs was given up");
            try {
                watch.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void anInterruptEndsAWait() throws Exception {
        lostRank(Lookout.NONE, (_, group) -> {
            Thread.currentThread().interrupt();
            assertThatThrownBy(group::barrier).isInstanceOf(GuardStop.class).hasMessageContaining("rank 0 was interrupted");
            assertThat(Thread.interrupted()).isTrue();
        });
    }

    @Test
    void whatWentWrongBehindACallEndsTheWait() throws Exception {
        lostRank(Lookout.NONE, (gpu, group) -> {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2}, 2);
            group.startAllReduceSum(x, 2, DType.F32);
            nccl.fail(6, "ncclRemoteError");
            assertThatThrownBy(group::barrier).isInstanceOf(GuardStop.class)
                    .hasMessage("rank 0: NCCL: a call failed with ncclRemoteError (6): as the test asked for");
            x.release();
        });
    }

    @Test
    void aGpuThatFailsIsToldAsSuch() throws Exception {
        lostRank(Lookout.NONE, (gpu, group) -> {
            Tensor x = Tensor.of(gpu.device, new float[] {1, 2}, 2);
            group.startAllReduceSum(x, 2, DType.F32);
            gpu.driver.fail("eventQuery", 719);
            assertThatThrownBy(group::barrier).isInstanceOf(BadInput.class).hasMessageContaining("invalid access");
            x.release();
        });
    }

    // Joining

    @Test
    void aRankThatNeverComesIsNotWaitedForEver() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            Map<String, Integer> before = gpu.driver.alive();
            assertThatThrownBy(() -> gpu.device.join(nccl, nccl.uniqueId(), 0, 2, patience(20))).isInstanceOf(GuardStop.class)
                    .hasMessage("rank 1 is lost");
            assertThat(nccl.calls()).containsExactly("init 0 of 2", "abort");
            assertThat(gpu.driver.alive().get("streams")).isEqualTo(before.get("streams"));
            assertThat(gpu.device.memory().inUse()).isZero();
        }
    }

    @Test
    void aGpuThatAnotherRankHasIsToldWhatToDo() {
        try (NullGpu gpu = NullGpu.of(Pace.LATE)) {
            nccl.fail(5, "ncclInvalidUsage");
            assertThatThrownBy(() -> gpu.device.join(nccl, nccl.uniqueId(), 0, 2, Lookout.NONE)).isInstanceOf(BadInput.class)
                    .hasMessageContaining("rank 0 of 2 cannot join with cuda:0 (Null GPU").hasMessageContaining("ncclInvalidUsage (5)")
                    .hasMessageContaining("a GPU of its own");
            nccl.fail(2, "ncclSystemError");
            assertThatThrownBy(() -> gpu.device.join(nccl, nccl.uniqueId(), 0, 2, Lookout.NONE)).isInstanceOf(GuardStop.class)
                    .hasMessageContaining("rank 0: NCCL: a call failed with ncclSystemError (2)");
            assertThat(nccl.count("abort")).isEqualTo(2);
            assertThat(gpu.device.memory().inUse()).isZero();
        }
    }
}
