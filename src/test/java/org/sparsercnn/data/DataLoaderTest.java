package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

@Timeout(60)
class DataLoaderTest {
    private static final int IMAGES = 12;

    private static AspectRatioGrouping training() {
        return new AspectRatioGrouping(new TrainingSampler(IMAGES, 5), index -> index % 2 == 0, 4, 0, 1);
    }

    /** Content that depends on the draw, produced in an order that does not. */
    private static final Function<Draw, String> SLOW_FIRST = draw -> {
        if (draw.index() % 3 == 0) {
            pause(3);
        }
        return draw + ":" + CounterRandom.of(1, draw.epoch(), draw.index()).nextLong();
    };

    private static List<List<String>> take(AspectRatioGrouping batches, int workers, int n) {
        List<List<String>> taken = new ArrayList<>();
        try (DataLoader<String> loader = new DataLoader<>(batches, SLOW_FIRST, workers)) {
            for (int i = 0; i < n; i++) {
                taken.add(loader.next());
            }
            assertThat(loader.delivered()).isEqualTo(n);
        }
        return taken;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 4})
    void sameBatchesForAnyNumberOfWorkers(int workers) {
        AspectRatioGrouping batches = training();
        List<List<String>> expected = new ArrayList<>();
        for (int i = 0; i < 25; i++) {
            expected.add(batches.next().stream().map(SLOW_FIRST).toList());
        }
        assertThat(take(training(), workers, 25)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 4})
    void fiveAndResumeAndFiveAreTen(int workers) {
        List<List<String>> ten = take(training(), 2, 10);
        List<List<String>> parts = new ArrayList<>();
        long delivered;
        try (DataLoader<String> loader = new DataLoader<>(training(), SLOW_FIRST, workers)) {
            for (int i = 0; i < 5; i++) {
                parts.add(loader.next());
            }
            delivered = loader.delivered(); // although more batches are being prepared
        }
        parts.addAll(take(training().skip(delivered), workers, 5));
        assertThat(parts).isEqualTo(ten);
    }

    @Test
    void realPicturesThroughTheMapper() {
        DatasetMapper mapper = DatasetMapper.forTraining(Pictures.input(List.of(64, 80, 96), 120, true), 3);
        ImageRecord record = Pictures.record(Pictures.resource("golden/image/scene_96x128.png"), 128, 96, 3, 4, 40, 50);
        List<Integer> hashes = new ArrayList<>();
        for (int workers : new int[] {0, 1, 4}) {
            try (DataLoader<Sample> loader = new DataLoader<>(training(), draw -> mapper.map(record, draw.epoch()), workers)) {
                int hash = 0;
                for (int b = 0; b < 6; b++) {
                    for (Sample sample : loader.next()) {
                        hash = 31 * hash + Arrays.hashCode(sample.image().pixels()) + Arrays.hashCode(sample.boxesXyxyPx());
                    }
                }
                hashes.add(hash);
            }
        }
        assertThat(Set.copyOf(hashes)).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void endsAfterTheLastBatch(int workers) {
        List<Integer> seen = new ArrayList<>();
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(10, 0, 1).batches(4), Draw::index, workers)) {
            while (loader.hasNext()) {
                seen.addAll(loader.next());
            }
            assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
            assertThat(loader.delivered()).isEqualTo(3);
        }
        assertThat(seen).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    /** The batches before are delivered, then the failure, and again: no batch is skipped. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 4})
    void aFailureIsThrownByItsBatchAndNamesTheImage(int workers) {
        DatasetMapper mapper = DatasetMapper.forInference(Pictures.input(List.of(64), 120, false));
        Path good = Pictures.resource("golden/image/scene_96x128.png");
        Path bad = Pictures.resource("golden/image/truncated.jpg");
        Function<Draw, Sample> load = draw -> mapper.map(Pictures.record(draw.index() == 9 ? bad : good, 128, 96), 0);
        try (DataLoader<Sample> loader = new DataLoader<>(new InferenceSampler(20, 0, 1).batches(4), load, workers)) {
            assertThat(loader.next()).hasSize(4);
            assertThat(loader.next()).hasSize(4);
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(loader::next).isInstanceOf(BadInput.class).hasMessageContaining("truncated.jpg");
                assertThat(loader.delivered()).isEqualTo(2);
            }
        }
    }

    @Test
    void errorsOfWorkersArriveToo() {
        Function<Draw, String> load = _ -> {
            throw new StackOverflowError("deep");
        };
        try (DataLoader<String> loader = new DataLoader<>(training(), load, 2)) {
            assertThatThrownBy(loader::next).isInstanceOf(StackOverflowError.class).hasMessage("deep");
        }
    }

    @Test
    void closeLeavesNoThreadBehind() throws InterruptedException {
        Set<Thread> seen = java.util.concurrent.ConcurrentHashMap.newKeySet();
        CountDownLatch started = new CountDownLatch(3);
        DataLoader<String> loader = new DataLoader<>(training(), draw -> {
            seen.add(Thread.currentThread());
            started.countDown();
            pause(20);
            return "x";
        }, 3);
        loader.next();
        started.await();
        assertThat(seen.stream().filter(Thread::isAlive)).hasSize(3);
        loader.close();
        loader.close();
        assertThat(seen.stream().filter(Thread::isAlive)).isEmpty();
        assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName).collect(Collectors.toSet()))
                .noneMatch(name -> name.startsWith("data-worker"));
        assertThat(loader.hasNext()).isFalse();
        assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class).hasMessageContaining("closed");
    }

    @Test
    void workIsBoundedAhead() throws InterruptedException {
        AtomicInteger loaded = new AtomicInteger();
        try (DataLoader<Integer> loader = new DataLoader<>(training(), _ -> loaded.incrementAndGet(), 2)) {
            loader.next();
            Thread.sleep(100); // time enough to run away, if nothing held the workers
            assertThat(loaded.get()).isBetween(4, 3 * 4);
        }
    }

    @Test
    void anInterruptEndsTheWaitAndLosesNoBatch() throws InterruptedException {
        CountDownLatch gate = new CountDownLatch(1);
        Function<Draw, Integer> load = draw -> {
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return draw.index();
        };
        AtomicReference<Object> outcome = new AtomicReference<>();
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(4, 0, 1).batches(2), load, 1)) {
            Thread consumer = Thread.ofPlatform().start(() -> {
                try {
                    loader.next();
                } catch (CancellationException e) {
                    outcome.set(Thread.currentThread().isInterrupted());
                    assertThat(Thread.interrupted()).isTrue();
                    outcome.set(loader.next());
                }
            });
            while (consumer.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            consumer.interrupt();
            while (outcome.get() == null) {
                Thread.onSpinWait();
            }
            gate.countDown();
            consumer.join();
            assertThat(outcome.get()).isEqualTo(List.of(0, 1));
        }
    }

    /** A shutdown hook may close while the training thread waits. */
    @Test
    void closingFromAnotherThreadWakesTheConsumer() throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        Function<Draw, Integer> load = draw -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                throw new CancellationException("stopped");
            }
            return draw.index();
        };
        DataLoader<Integer> loader = new DataLoader<>(training(), load, 1);
        AtomicReference<Throwable> outcome = new AtomicReference<>();
        Thread consumer = Thread.ofPlatform().start(() -> {
            try {
                loader.next();
            } catch (RuntimeException e) {
                outcome.set(e);
            }
        });
        while (consumer.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        loader.close();
        consumer.join();
        assertThat(outcome.get()).isInstanceOf(CancellationException.class);
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
