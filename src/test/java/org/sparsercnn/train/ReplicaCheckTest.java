package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.GoldenWeights;
import org.sparsercnn.util.GuardStop;

class ReplicaCheckTest {
    private static final GoldenWeights TINY = GoldenWeights.load("model_tiny");
    private static final Config CONFIG = TINY.config().with("SOLVER.EMA_DECAY", "0.9");
    private static final String WEIGHT = "head.head_series.0.linear1.weight";
    private static final int PERIOD = 10;

    private static Progress after(long iteration) {
        return new Progress(iteration, 1000, new StepResult(Map.of(), 0, 0, true), 0, 0, 0, 0, 2, 0, new DataLoader.Queue(0, 0, 0), 0);
    }

    /** What each rank was stopped with, null where it was not: equal after one period, changed, and compared after the next. */
    private static List<String> stops(int ranks, BiConsumer<TrainingState, Integer> change) throws InterruptedException {
        LocalGroup group = new LocalGroup(ranks, 60);
        List<String> stops = new ArrayList<>(Collections.nCopies(ranks, "failed"));
        List<Thread> threads = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            int rank = r;
            threads.add(Thread.ofPlatform().start(() -> stops.set(rank, stop(group.member(rank), change))));
        }
        for (Thread t : threads) {
            t.join();
        }
        return stops;
    }

    private static String stop(Collective member, BiConsumer<TrainingState, Integer> change) {
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, CONFIG.model());
                TrainingState state = new TrainingState(model, CONFIG, new Rng(member.rank()))) {
            TINY.fill(model);
            state.begin(member);
            ReplicaCheck check = new ReplicaCheck(PERIOD, state, device, member);
            assertThat(check.needsState(PERIOD - 1)).isTrue();
            assertThat(check.needsState(PERIOD)).isFalse();
            check.afterStep(after(PERIOD - 1));
            change.accept(state, member.rank());
            check.afterStep(after(PERIOD)); // not yet
            try {
                check.afterStep(after(2 * PERIOD - 1));
                check.atEnd(2 * PERIOD - 1);
                return null;
            } catch (GuardStop e) {
                assertThat(check.stopped()).isTrue();
                return e.getMessage();
            }
        }
    }

    /** Changes the last bit of a value in the middle. */
    private static void flip(Tensor t) {
        float[] values = t.toFloats();
        int i = values.length / 2;
        values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) ^ 1);
        t.set(values);
    }

    @Test
    void equal_replicas_go_on() throws InterruptedException {
        assertThat(stops(2, (_, _) -> {})).containsOnlyNulls();
    }

    @Test
    void one_bit_of_one_weight_on_one_rank_stops_all() throws InterruptedException {
        List<String> stops = stops(2, (state, rank) -> {
            if (rank == 1) {
                flip(state.shared().get(WEIGHT));
            }
        });
        assertThat(stops).allSatisfy(message -> assertThat(message).startsWith("the 2 replicas are no longer the same after iteration 19: " + WEIGHT
                + " on rank 1 differs from rank 0. They were the same after iteration 9. "));
        assertThat(stops.getFirst()).isEqualTo(stops.getLast());
    }

    /** Of more ranks those are named that do not have what most have, be it rank 0; of two halves the one without rank 0. */
    @Test
    void every_tensor_and_rank_that_differs_is_named() throws InterruptedException {
        assertThat(stops(4, (state, rank) -> {
            if (rank % 2 == 0) {
                Map<String, Tensor> all = state.shared();
                flip(all.get("the optimiser's " + WEIGHT + "/exp_avg"));
                if (rank == 0) {
                    all.get("the optimiser's step").set(new long[] {1L << 40});
                    flip(all.get("the average of " + WEIGHT));
                }
            }
        })).allSatisfy(message -> assertThat(message).contains("after iteration 19: the optimiser's step on rank 0; the optimiser's " + WEIGHT
                + "/exp_avg on ranks 1, 3; the average of " + WEIGHT + " on rank 0 differ from the other ranks"));
    }

    /** As batch norms without the other ranks' batches have them. */
    @Test
    void running_statistics_are_each_ranks_own() {
        Config config = Config.load(Path.of("configs/quickstart.yaml"), List.of("MODEL.RESNETS.NORM", "BN", "SOLVER.EMA_DECAY", "0.9"));
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, config.model());
                TrainingState state = new TrainingState(model, config, new Rng(1))) {
            state.begin(LocalGroup.alone());
            assertThat(model.parameters().runningStatistics()).isNotEmpty()
                    .allSatisfy(p -> assertThat(state.shared()).doesNotContainKeys(p.name(), "the average of " + p.name()));
            assertThat(model.parameters().trainable()).allSatisfy(p -> assertThat(state.shared()).containsKeys(p.name(), "the average of " + p.name()));
        }
    }
}
