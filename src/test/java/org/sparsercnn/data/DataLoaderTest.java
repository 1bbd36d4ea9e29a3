package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

@Timeout(60)
class DataLoaderTest {
    private static final int IMAGES = 12;
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private static AspectRatioGrouping training() {
        return new AspectRatioGrouping(new TrainingSampler(IMAGES, 5), index -> index % 2 == 0, 4, 0, 1);
    }

    /** Content that depends on the draw, produced in an order that does not. */
    private static final DataLoader.Source<String> SLOW_FIRST = draw -> {
        if (draw.index() % 3 == 0) {
            pause(3);
        }
        return draw + ":" + CounterRandom.of(1, draw.epoch(), draw.index()).nextLong();
    };

    private static List<List<String>> take(AspectRatioGrouping batches, int workers, int n) {
        List<List<String>> taken = new ArrayList<>();
        try (DataLoader<String> loader = new DataLoader<>(batches, SLOW_FIRST, workers, TIMEOUT)) {
            for (int i = 0; i < n; i++) {
                taken.add(loader.next());
            }
            assertThat(loader.delivered()).isEqualTo(n);
        }
        return taken;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5})
    void sameBatchesForAnyNumberOfWorkers(int workers) {
        AspectRatioGrouping batches = training();
        List<List<String>> expected = new ArrayList<>();
        for (int i = 0; i < 25; i++) {
            expected.add(batches.next().stream().map(SLOW_FIRST::load).toList());
        }
        assertThat(take(training(), workers, 25)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5})
    void fiveAndResumeAndFiveAreTen(int workers) {
        List<List<String>> ten = take(training(), 2, 10);
        List<List<String>> parts = new ArrayList<>();
        long delivered;
        try (DataLoader<String> loader = new DataLoader<>(training(), SLOW_FIRST, workers, TIMEOUT)) {
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
            try (DataLoader<Sample> loader = new DataLoader<>(training(), draw -> mapper.map(record, draw.epoch()), workers, TIMEOUT)) {
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
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(10, 0, 1).batches(4), Draw::index, workers, TIMEOUT)) {
            while (loader.hasNext()) {
                seen.addAll(loader.next());
            }
            assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
            assertThat(loader.delivered()).isEqualTo(3);
        }
        assertThat(seen).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    /** Batches are whole and in order until the failure is met; from then on there is nothing but the failure. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5})
    void noBatchIsSkippedBecauseOfAFailure(int workers) {
        DatasetMapper mapper = DatasetMapper.forInference(Pictures.input(List.of(64), 120, false));
        Path good = Pictures.resource("golden/image/scene_96x128.png");
        Path bad = Pictures.resource("golden/image/truncated.jpg");
        List<Integer> seen = new ArrayList<>();
        DataLoader.Source<Integer> load = draw -> {
            mapper.map(Pictures.record(draw.index() == 9 ? bad : good, 128, 96), 0);
            return draw.index();
        };
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(20, 0, 1).batches(4), load, workers, TIMEOUT)) {
            assertThatThrownBy(() -> {
                while (true) {
                    seen.addAll(loader.next());
                }
            }).isInstanceOf(BadInput.class).hasMessageContaining("truncated.jpg");
            assertThat(seen).isEqualTo(List.of(0, 1, 2, 3, 4, 5, 6, 7).subList(0, seen.size()));
            assertThatThrownBy(loader::next).isInstanceOf(BadInput.class).hasMessageContaining("truncated.jpg");
            assertThat(loader.delivered() * 4).isEqualTo(seen.size());
        }
    }

    /** The first batch waits for an image that never comes; the second one's failure ends that. */
    @ParameterizedTest
    @ValueSource(ints = {2, 5})
    void aFailureIsThrownAtOnceWhateverItsBatch(int workers) {
        DataLoader.Source<String> load = draw -> {
            if (draw.index() == 0) {
                waitForEver();
            } else if (draw.index() == 5) {
                throw new BadInput("photos/5.jpg: broken");
            }
            return "x";
        };
        try (DataLoader<String> loader = new DataLoader<>(new InferenceSampler(20, 0, 1).batches(4), load, workers, TIMEOUT)) {
            assertThatThrownBy(loader::next).isInstanceOf(BadInput.class).hasMessage("photos/5.jpg: broken");
            assertThat(loader.delivered()).isZero();
        }
    }

    /** A batch that is ready is not handed out any more once a later one is known to have failed. */
    @Test
    void aFailureEndsTheStepBeforeItsTurn() {
        CountDownLatch gate = new CountDownLatch(1);
        DataLoader.Source<Integer> load = draw -> {
            if (draw.index() == 4) {
                await(gate);
                throw new BadInput("photos/4.jpg: broken");
            }
            return draw.index();
        };
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(12, 0, 1).batches(2), load, 1, TIMEOUT)) {
            assertThat(loader.next()).containsExactly(0, 1);
            gate.countDown();
            awaitQueue(loader, 3, 4); // 2, 3 and, after the failure, 5
            assertThatThrownBy(loader::next).hasMessage("photos/4.jpg: broken");
        }
    }

    /** A pipe that somebody holds open and never writes to: reading it is like reading from a network drive that is gone. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5})
    void anImageThatNeverComesStopsTheStepAndNamesItsPath(int workers, @TempDir Path folder) throws Exception {
        Path pipe = folder.resolve("network.jpg");
        assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0, "mkfifo");
        DataLoader.Source<Image> load = new DataLoader.Source<>() {
            @Override
            public Image load(Draw draw) {
                return ImageDecoder.read(path(draw));
            }

            @Override
            public String name(Draw draw) {
                return path(draw).toString();
            }

            private Path path(Draw draw) {
                return draw.index() == 6 ? pipe : Pictures.resource("golden/image/gray.png");
            }
        };
        Set<Thread> before = workerThreads();
        try (var _ = new RandomAccessFile(pipe.toFile(), "rw");
                DataLoader<Image> loader = new DataLoader<>(new InferenceSampler(20, 0, 1).batches(4), load, workers, Duration.ofMillis(500))) {
            assertThatThrownBy(() -> {
                while (true) {
                    loader.next();
                }
            }).isInstanceOf(BadInput.class).hasMessageContainingAll("network.jpg", "0.5 s", "DATALOADER.TIMEOUT");
            assertThat(loader.delivered()).isLessThanOrEqualTo(1);
            assertThat(workerThreads()).isNotEqualTo(before);
        }
        assertThat(workerThreads()).as("also the one that was reading is gone").isEqualTo(before);
    }

    @Test
    void theQueueTellsWhatIsReady() {
        CountDownLatch gate = new CountDownLatch(1);
        DataLoader.Source<Integer> load = draw -> {
            if (draw.index() == 6) {
                await(gate);
            }
            return draw.index();
        };
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(12, 0, 1).batches(4), load, 2, TIMEOUT)) {
            assertThat(loader.queue()).isEqualTo(new DataLoader.Queue(0, 0, 0));
            loader.next();
            awaitQueue(loader, 7, 8);
            gate.countDown();
            awaitQueue(loader, 8, 8);
            loader.next();
            awaitQueue(loader, 4, 4);
            assertThat(loader.queue().workSeconds()).isPositive();
        }
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(12, 0, 1).batches(4), load, 0, TIMEOUT)) {
            loader.next();
            assertThat(loader.queue().capacity()).as("nothing is prepared ahead").isZero();
        }
    }

    private static void awaitQueue(DataLoader<?> loader, int ready, int capacity) {
        while (loader.queue().ready() != ready || loader.queue().capacity() != capacity) {
            assertThat(loader.queue().capacity()).isEqualTo(capacity);
            Thread.onSpinWait();
        }
    }

    @Test
    void errorsOfWorkersArriveToo() {
        DataLoader.Source<String> load = _ -> {
            throw new StackOverflowError("deep");
        };
        try (DataLoader<String> loader = new DataLoader<>(training(), load, 2, TIMEOUT)) {
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
        }, 3, TIMEOUT);
        loader.next();
        started.await();
        assertThat(seen.stream().filter(Thread::isAlive)).hasSize(3);
        loader.close();
        loader.close();
        assertThat(seen.stream().filter(Thread::isAlive)).isEmpty();
        assertThat(workerThreads()).isEmpty();
        assertThat(loader.hasNext()).isFalse();
        assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class).hasMessageContaining("closed");
    }

    @Test
    void workIsBoundedAhead() throws InterruptedException {
        AtomicInteger loaded = new AtomicInteger();
        try (DataLoader<Integer> loader = new DataLoader<>(training(), _ -> loaded.incrementAndGet(), 2, TIMEOUT)) {
            loader.next();
            Thread.sleep(100); // time enough to run away, if nothing held the workers
            assertThat(loaded.get()).isBetween(4, 3 * 4);
        }
    }

    @Test
    void anInterruptEndsTheWaitAndLosesNoBatch() throws InterruptedException {
        CountDownLatch gate = new CountDownLatch(1);
        DataLoader.Source<Integer> load = draw -> {
            await(gate);
            return draw.index();
        };
        AtomicReference<Object> outcome = new AtomicReference<>();
        try (DataLoader<Integer> loader = new DataLoader<>(new InferenceSampler(4, 0, 1).batches(2), load, 1, TIMEOUT)) {
            Thread consumer = Thread.ofPlatform().start(() -> {
                try {
                    loader.next();
                } catch (CancellationException e) {
                    outcome.set(Thread.currentThread().isInterrupted());
                    assertThat(Thread.interrupted()).isTrue();
                    outcome.set(loader.next());
                }
            });
            while (consumer.getState() != Thread.State.TIMED_WAITING) {
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
        DataLoader.Source<Integer> load = draw -> {
            waitForEver();
            return draw.index();
        };
        DataLoader<Integer> loader = new DataLoader<>(training(), load, 1, TIMEOUT);
        AtomicReference<Throwable> outcome = new AtomicReference<>();
        Thread consumer = Thread.ofPlatform().start(() -> {
            try {
                loader.next();
            } catch (RuntimeException e) {
                outcome.set(e);
            }
        });
        while (consumer.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        loader.close();
        consumer.join();
        assertThat(outcome.get()).isInstanceOf(CancellationException.class);
    }

    private static Set<Thread> workerThreads() {
        return Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().startsWith("data-worker")).collect(Collectors.toSet());
    }

    private static void waitForEver() {
        await(new CountDownLatch(1));
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new CancellationException("stopped");
        }
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
