package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.testing.GoldenWeights;

class TrainingStepTest {
    private static final Config CONFIG = Config.load(Path.of("configs/quickstart.yaml"), List.of());
    /** The recorded tiny model: its gradients are far from rounding noise. */
    private static final GoldenWeights TINY = GoldenWeights.load("model_tiny");

    private static List<Sample> batch(int index) {
        return FixedBatches.batch(index, 4, 96, 128, 5);
    }

    /** One replica: its own device, model and optimiser. */
    private static final class Replica implements AutoCloseable {
        final Device device;
        final SparseRcnn model;
        final TrainingState state;
        final TrainingStep step;
        final Rng rng = new Rng(1);

        Replica(Collective group, Config config, int threads) {
            device = new CpuDevice(threads, -1);
            model = new SparseRcnn(device, config.model());
            if (config.model().resnets().depth() == 18) {
                Initialization.apply(model, 1);
            } else {
                TINY.fill(model);
            }
            state = new TrainingState(model, config, rng);
            step = new TrainingStep(model, state, group);
        }

        Map<String, float[]> gradients(List<Sample> batch) {
            try (Scope scope = new Scope(device)) {
                step.gradients(scope, batch, batch.stream().mapToInt(s -> s.classes().length).sum(), false);
            }
            Map<String, float[]> grads = new HashMap<>();
            model.parameters().trainable().forEach(p -> grads.put(p.name(), p.variable().grad().toFloats()));
            model.parameters().clearGradients();
            return grads;
        }

        Map<String, float[]> statistics() {
            Map<String, float[]> statistics = new HashMap<>();
            model.parameters().runningStatistics().forEach(p -> statistics.put(p.name(), p.published()));
            return statistics;
        }

        Map<String, float[]> weights() {
            Map<String, float[]> weights = new HashMap<>();
            model.parameters().all().forEach(p -> weights.put(p.name(), p.published()));
            return weights;
        }

        @Override
        public void close() {
            state.close();
            model.close();
            device.close();
        }
    }

    @Test
    void memory_after_a_hundred_more_steps_is_the_same() {
        try (Replica r = new Replica(LocalGroup.alone(), CONFIG, 2)) {
            List<Sample> small = FixedBatches.batch(0, 1, 64, 64, 5);
            for (int i = 0; i < 3; i++) {
                r.step.run(small, 1e-4);
            }
            long before = r.device.memory().inUse();
            long reserved = r.device.memory().reserved();
            for (int i = 0; i < 100; i++) {
                r.step.run(small, 1e-4);
            }
            assertThat(r.device.memory().inUse()).as("bytes in use").isEqualTo(before);
            assertThat(r.device.memory().reserved()).as("bytes held from the system").isEqualTo(reserved);
        }
    }

    @Test
    void any_number_of_threads_trains_the_same_bits() {
        List<Map<String, float[]>> weights = new ArrayList<>();
        for (int threads : new int[] {1, 2, 3}) {
            try (Replica r = new Replica(LocalGroup.alone(), CONFIG, threads)) {
                r.step.run(FixedBatches.batch(0, 2, 64, 96, 5), 1e-3);
                r.step.run(FixedBatches.batch(1, 2, 64, 96, 5), 1e-3);
                weights.add(r.weights());
            }
        }
        weights.getFirst().forEach((name, w) -> weights.forEach(other -> assertThat(other.get(name)).as(name).isEqualTo(w)));
    }

    /** Images of one size, focal loss, no dropout: two replicas with half the batch each are one with all of it. */
    @Test
    void two_replicas_compute_the_gradients_of_one() throws InterruptedException {
        Map<String, float[]> whole;
        try (Replica one = new Replica(LocalGroup.alone(), TINY.config(), 1)) {
            whole = one.gradients(batch(0));
        }
        List<Map<String, float[]>> halves = replicas(2, TINY.config(), (replica, rank) -> replica.gradients(batch(0).subList(2 * rank, 2 * rank + 2)));
        for (Map<String, float[]> half : halves) {
            whole.forEach((name, wanted) -> near(name, half.get(name), wanted, 1e-5));
        }
    }

    /**
     * The same where each image is normalised by statistics of all: synchronised batch norm, in backbone and pyramid. In few layers:
     * batch norm makes more of rounding the deeper it goes, until a ReLU turns.
     */
    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void replicas_with_synchronised_batch_norm_compute_the_gradients_of_one(int ranks) throws InterruptedException {
        Config config = CONFIG.with("MODEL.RESNETS.NORM", "SyncBN", "MODEL.FPN.NORM", "SyncBN", "MODEL.BACKBONE.FREEZE_AT", "4",
                "MODEL.SparseRCNN.NUM_HEADS", "1");
        Map<String, float[]> whole;
        Map<String, float[]> statistics;
        try (Replica one = new Replica(LocalGroup.alone(), config, 1)) {
            whole = one.gradients(batch(3));
            statistics = one.statistics();
        }
        assertThat(statistics.keySet()).contains("backbone.bottom_up.res5.0.conv1.norm.running_mean", "backbone.fpn_output2.norm.running_var");
        int share = 4 / ranks;
        List<Map<String, float[]>> moved = new ArrayList<>(Collections.nCopies(ranks, null));
        List<Map<String, float[]>> parts = replicas(ranks, config, (replica, rank) -> {
            Map<String, float[]> gradients = replica.gradients(batch(3).subList(share * rank, share * (rank + 1)));
            moved.set(rank, replica.statistics());
            return gradients;
        });
        for (int rank = 0; rank < ranks; rank++) {
            Map<String, float[]> part = parts.get(rank);
            Map<String, float[]> of = moved.get(rank);
            whole.forEach((name, wanted) -> near(name, part.get(name), wanted, 1e-5));
            statistics.forEach((name, wanted) -> near(name, of.get(name), wanted, 1e-5));
            statistics.keySet().forEach(name -> assertThat(of.get(name)).as(name + " on all").isEqualTo(moved.getFirst().get(name)));
        }
    }

    @Test
    void two_replicas_train_as_one_for_twenty_steps() throws InterruptedException {
        Config sgd = TINY.config().with("SOLVER.OPTIMIZER", "SGD");
        Map<String, float[]> whole;
        List<StepResult> steps = new ArrayList<>();
        try (Replica one = new Replica(LocalGroup.alone(), sgd, 1)) {
            for (int i = 0; i < 20; i++) {
                steps.add(one.step.run(batch(i % 2), 1e-3).await());
            }
            whole = one.weights();
        }
        List<Map<String, float[]>> pair = replicas(2, sgd, (replica, rank) -> {
            for (int i = 0; i < 20; i++) {
                PendingStep step = replica.step.run(batch(i % 2).subList(2 * rank, 2 * rank + 2), 1e-3);
                StepResult wanted = steps.get(i);
                wanted.losses().forEach((name, loss) -> assertThat(step.ofAllRanks().losses().get(name)).as("mean " + name).isCloseTo(loss, within(1e-4f * loss)));
                assertThat(step.ofAllRanks().total()).isCloseTo(wanted.total(), within(1e-4 * wanted.total()));
                assertThat(Math.abs(step.await().total() - wanted.total())).as("this rank's own").isGreaterThan(1e-3);
            }
            return replica.weights();
        });
        for (Map<String, float[]> weights : pair) {
            whole.forEach((name, wanted) -> near(name, weights.get(name), wanted, 1e-5));
        }
        pair.getFirst().forEach((name, w) -> assertThat(pair.getLast().get(name)).as(name + " on both").isEqualTo(w));
    }

    private interface Work {
        Map<String, float[]> run(Replica replica, int rank);
    }

    private static List<Map<String, float[]>> replicas(int count, Config config, Work work) throws InterruptedException {
        LocalGroup group = new LocalGroup(count, 60);
        List<Map<String, float[]>> results = new ArrayList<>(Collections.nCopies(count, Map.of()));
        List<Thread> threads = new ArrayList<>();
        for (int rank = 0; rank < count; rank++) {
            int r = rank;
            threads.add(Thread.ofPlatform().start(() -> {
                try (Replica replica = new Replica(group.member(r), config, 1)) {
                    results.set(r, work.run(replica, r));
                }
            }));
        }
        for (Thread t : threads) {
            t.join();
        }
        return results;
    }

    /** Within {@code relative} of the tensor's largest value. */
    private static void near(String name, float[] got, float[] wanted, double relative) {
        double max = 0;
        double difference = 0;
        for (int i = 0; i < wanted.length; i++) {
            max = Math.max(max, Math.abs(wanted[i]));
            difference = Math.max(difference, Math.abs(got[i] - wanted[i]));
        }
        assertThat(difference).as(name + " of largest value " + max).isLessThanOrEqualTo(relative * max);
    }

    /** An image whose objects are all gone trains without harm. */
    @Test
    void a_batch_without_objects_is_a_step() {
        try (Replica r = new Replica(LocalGroup.alone(), CONFIG, 2)) {
            Sample s = batch(0).getFirst();
            Sample empty = new Sample(s.imageId(), s.file(), s.original(), s.image(), new float[0], new int[0], List.of());
            StepResult result = r.step.run(List.of(empty, empty), 1e-3).await();
            assertThat(result.finite()).isTrue();
            assertThat(result.losses().keySet()).as("the published order: the last stage, then those before it").containsExactly("loss_ce",
                    "loss_giou", "loss_bbox", "loss_ce_0", "loss_giou_0", "loss_bbox_0", "loss_ce_1", "loss_giou_1", "loss_bbox_1");
            assertThat(result.losses().get("loss_bbox")).isZero();
            assertThat(result.losses().get("loss_ce")).isPositive();
        }
    }

    @Test
    void a_step_with_a_loss_that_is_not_finite_changes_nothing() {
        try (Replica r = new Replica(LocalGroup.alone(), CONFIG, 2)) {
            r.step.run(batch(0), 1e-3);
            Map<String, float[]> before = r.weights();
            Sample s = batch(0).getFirst();
            float[] boxes = s.boxesXyxyPx().clone();
            boxes[2] = Float.NaN;
            StepResult result = r.step.run(List.of(new Sample(s.imageId(), s.file(), s.original(), s.image(), boxes, s.classes(), List.of())), 1e-3).await();
            assertThat(result.finite()).isFalse();
            r.weights().forEach((name, w) -> assertThat(w).as(name).isEqualTo(before.get(name)));
        }
    }

    @Test
    void frozen_and_fixed_parameters_stay() {
        Config fixed = CONFIG.with("MODEL.SparseRCNN.PROPOSAL_BOXES", "fixed", "MODEL.BACKBONE.FREEZE_AT", "2");
        try (Replica r = new Replica(LocalGroup.alone(), fixed, 2)) {
            Map<String, float[]> before = r.weights();
            r.step.run(batch(0), 1e-3);
            for (Parameter p : r.model.parameters().all()) {
                boolean stays = p.name().startsWith("backbone.bottom_up.stem") || p.name().startsWith("backbone.bottom_up.res2")
                        || p.name().startsWith("init_proposal_boxes");
                assertThat(java.util.Arrays.equals(p.published(), before.get(p.name()))).as(p.name() + " stayed").isEqualTo(stays);
            }
            float[] boxes = r.model.parameters().get("init_proposal_boxes.weight").published();
            for (int i = 0; i < boxes.length; i++) {
                assertThat(boxes[i]).isEqualTo(i % 4 < 2 ? 0.5f : 1);
            }
        }
    }
}
