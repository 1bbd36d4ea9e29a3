package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.data.Draw;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.util.GuardStop;

/** The loop over a device that answers at once, as the CPU does, and over devices that answer some steps later. */
class TrainerTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final Config CONFIG = Config.load(Path.of("configs/quickstart.yaml"), List.of());
    private static final int STEPS = 7;
    private static final int NEVER = 1000;

    @TempDir
    static Path folder;

    /** A run of one replica, and what its hooks saw. */
    private static final class Run implements AutoCloseable {
        final LateDevice device;
        final SparseRcnn model;
        final TrainingState state;
        final TrainingStep step;
        final NonFiniteGuard guard;
        final List<Long> iterations = new ArrayList<>();
        final List<Long> queuedBehind = new ArrayList<>();
        final List<Double> losses = new ArrayList<>();
        final List<Long> last = new ArrayList<>();
        final Map<Long, float[]> saved = new HashMap<>();
        Trainer trainer;
        int broken = -1; // the batch without a sensible box

        Run(int late, Collective group) {
            device = new LateDevice(new CpuDevice(1, -1), late);
            model = new SparseRcnn(device, CONFIG.model());
            Initialization.apply(model, 1);
            Rng rng = new Rng(1);
            state = new TrainingState(model, CONFIG, rng);
            step = new TrainingStep(model, state, group);
            guard = new NonFiniteGuard(1, step, folder, CONFIG.dump());
        }

        void run(int steps, int checkpointPeriod, BooleanSupplier stop) {
            Hook watch = p -> {
                iterations.add(p.iteration());
                queuedBehind.add(trainer.done() - p.iteration() - 1);
                losses.add(p.step().total());
                if (p.isLast()) {
                    last.add(p.iteration());
                }
            };
            Hook save = new CheckpointHook(checkpointPeriod, () -> false, i -> saved.put(i, weights()));
            trainer = new Trainer(step, new Steps(steps), List.of(save, watch), guard);
            try (var loader = new DataLoader<>(LongStream.range(0, NEVER).mapToObj(i -> List.of(new Draw(i, (int) i))).iterator(), this::load, 0, TIMEOUT)) {
                trainer.run(0, loader, stop);
            }
        }

        private Sample load(Draw draw) {
            if (draw.index() == NEVER - 1) {
                throw new IllegalStateException("no such image");
            }
            Sample s = FixedBatches.batch(draw.index(), 1, 64, 64, 5).getFirst();
            float[] boxes = s.boxesXyxyPx().clone();
            boxes[2] = draw.index() == broken ? Float.NaN : boxes[2];
            return new Sample(draw.index(), s.file(), s.original(), s.image(), boxes, s.classes(), List.of());
        }

        float[] weights() {
            return model.parameters().get("head.head_series.2.class_logits.weight").published();
        }

        @Override
        public void close() {
            assertThat(device.open()).as("readbacks not closed").isZero();
            state.close();
            model.close();
            device.close();
        }
    }

    private record Steps(long count) implements Plan {
        @Override
        public double lr(long iteration) {
            return 1e-3;
        }

        @Override
        public boolean done(long iteration) {
            return iteration >= count;
        }

        @Override
        public String length() {
            return count + " steps";
        }

        @Override
        public long steps(long iteration) {
            return count;
        }
    }

    private static List<Long> upTo(int steps) {
        return LongStream.range(0, steps).boxed().toList();
    }

    @Test
    void nothing_in_a_step_waits_for_the_device() {
        try (Run r = new Run(NEVER, LocalGroup.alone())) {
            int before = r.device.waits();
            List<PendingStep> steps = IntStream.range(0, 3).mapToObj(i -> r.step.run(FixedBatches.batch(i, 2, 64, 96, 5), 1e-3)).toList();
            assertThat(r.device.waits()).isEqualTo(before);
            steps.forEach(s -> assertThat(s.isDone()).isFalse());
            steps.forEach(s -> assertThat(s.await().finite()).isTrue());
            assertThat(r.device.waits()).isEqualTo(before + 3);
            steps.forEach(s -> assertThat(s.isDone()).isTrue());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, NEVER})
    void hooks_hear_of_every_step_in_order_and_at_most_two_steps_late(int late) {
        try (Run prompt = new Run(0, LocalGroup.alone()); Run r = new Run(late, LocalGroup.alone())) {
            prompt.run(STEPS, NEVER, () -> false);
            r.run(STEPS, NEVER, () -> false);
            assertThat(r.iterations).isEqualTo(upTo(STEPS));
            assertThat(r.losses).isEqualTo(prompt.losses);
            long behind = Math.min(late, 2);
            for (int i = 0; i < STEPS; i++) {
                assertThat(r.queuedBehind.get(i)).isEqualTo(Math.min(behind, STEPS - 1 - i));
            }
            assertThat(r.last).containsExactly(STEPS - 1L);
            assertThat(r.weights()).isEqualTo(prompt.weights());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, NEVER})
    void a_hook_that_needs_the_state_finds_that_of_its_step(int late) {
        try (Run prompt = new Run(0, LocalGroup.alone()); Run r = new Run(late, LocalGroup.alone())) {
            prompt.run(STEPS, 3, () -> false);
            r.run(STEPS, 3, () -> false);
            assertThat(r.saved.keySet()).containsExactlyInAnyOrder(2L, 5L);
            r.saved.forEach((iteration, weights) -> assertThat(weights).isEqualTo(prompt.saved.get(iteration)));
            assertThat(r.iterations).isEqualTo(upTo(STEPS));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, NEVER})
    void a_step_that_is_not_finite_is_told_with_its_batch_at_most_two_steps_later(int late) {
        try (Run r = new Run(late, LocalGroup.alone())) {
            r.broken = 3;
            assertThatThrownBy(() -> r.run(STEPS, NEVER, () -> false)).isInstanceOf(GuardStop.class)
                    .hasMessageContainingAll("iteration 3", "image ids [3]");
            assertThat(r.guard.stopped()).isTrue();
            assertThat(r.iterations).isEqualTo(upTo(3));
            assertThat(r.trainer.done()).isEqualTo(4 + Math.min(late, 2));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, NEVER})
    void a_run_that_stops_hears_of_all_it_did(int late) {
        try (Run r = new Run(late, LocalGroup.alone())) {
            int[] asked = {0};
            r.run(STEPS, NEVER, () -> ++asked[0] == 4);
            assertThat(r.trainer.done()).isEqualTo(4);
            assertThat(r.iterations).isEqualTo(upTo(4));
            assertThat(r.last).containsExactly(3L);
        }
    }

    @Test
    void a_failure_of_the_data_leaves_no_step_untold() {
        try (Run r = new Run(NEVER, LocalGroup.alone())) {
            Trainer[] trainer = new Trainer[1];
            Hook watch = p -> r.iterations.add(p.iteration());
            trainer[0] = new Trainer(r.step, new Steps(STEPS), List.of(watch), r.guard);
            var draws = List.of(List.of(new Draw(0, 0)), List.of(new Draw(1, 1)), List.of(new Draw(2, NEVER - 1))).iterator();
            try (var loader = new DataLoader<>(draws, r::load, 0, TIMEOUT)) {
                assertThatThrownBy(() -> trainer[0].run(0, loader, () -> false)).hasMessage("no such image");
            }
            assertThat(r.iterations).isEqualTo(upTo(2));
            assertThat(trainer[0].done()).isEqualTo(2);
        }
    }

    /** Ranks whose devices are late by different amounts, one of which is asked to stop. */
    @Test
    void ranks_end_with_the_same_step() throws InterruptedException {
        LocalGroup group = new LocalGroup(2, 60);
        List<Run> runs = new ArrayList<>(java.util.Collections.nCopies(2, null));
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int rank = 0; rank < 2; rank++) {
            int me = rank;
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    Run r = new Run(me == 0 ? 1 : NEVER, group.member(me));
                    runs.set(me, r);
                    int[] asked = {0};
                    r.run(20, NEVER, () -> me == 1 && ++asked[0] == 3);
                } catch (Throwable e) {
                    failures.add(e);
                    group.abort();
                }
            }));
        }
        for (Thread t : threads) {
            t.join();
        }
        assertThat(failures).isEmpty();
        for (Run r : runs) {
            assertThat(r.trainer.done()).as("asked with the third step, two more after it").isEqualTo(5);
            assertThat(r.iterations).isEqualTo(upTo(5));
            assertThat(r.last).containsExactly(4L);
        }
        assertThat(runs.get(0).weights()).isEqualTo(runs.get(1).weights());
        runs.forEach(Run::close);
    }
}
