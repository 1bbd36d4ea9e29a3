package org.sparsercnn.data;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.BadInput;

/**
 * Batches prepared ahead by worker threads. Their order and content are those of {@code batches} and {@code source}
 * whatever the number of workers; with none, a batch is prepared only when it is asked for.
 *
 * <p>Ahead of the caller are two batches, or as many as give every worker two images: no more memory than that. A failure
 * or an image that takes too long ends the next or the waiting {@link #next()}, whichever batch it belongs to, and every
 * one after: a training never skips a batch, nor waits for what will not come. For one consuming thread.
 *
 * @param <T> what an image becomes, usually {@link Sample}
 */
public final class DataLoader<T> implements Iterator<List<T>>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataLoader.class);
    private static final int BATCHES_AHEAD = 2;
    private static final int IMAGES_PER_WORKER = 2;
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

    /** Where the images come from; asked by several workers at the same time. */
    @FunctionalInterface
    public interface Source<T> {
        T load(Draw draw);

        /** What messages call the image. */
        default String name(Draw draw) {
            return "image " + draw.index();
        }
    }

    /**
     * Images ahead of the caller: {@code ready} are prepared, the others of {@code capacity} are being or will be.
     *
     * @param workSeconds that all workers together have spent on images so far
     */
    public record Queue(int ready, int capacity, double workSeconds) {}

    private final Iterator<List<Draw>> batches;
    private final Source<T> source;
    private final int workers;
    private final Duration timeout;
    private final List<Thread> threads;
    private final Object lock = new Object(); // guards what follows and the tasks; notified of every change
    private final Deque<List<Task>> ahead = new ArrayDeque<>();
    private final Deque<Task> waiting = new ArrayDeque<>(); // those of them that no worker has taken
    private int imagesAhead;
    private long workNanos;
    private long delivered;
    private Throwable failure;
    private boolean closed;

    /**
     * @param workers threads; 0: one, which works only while {@link #next()} waits
     * @param timeout what preparing one image may take
     */
    public DataLoader(Iterator<List<Draw>> batches, Source<T> source, int workers, Duration timeout) {
        if (workers < 0 || !timeout.isPositive()) {
            throw new IllegalArgumentException("workers: " + workers + ", timeout: " + timeout);
        }
        this.batches = batches;
        this.source = source;
        this.workers = workers;
        this.timeout = timeout;
        Thread.Builder named = Thread.ofPlatform().name("data-worker-", 0).daemon();
        this.threads = IntStream.range(0, Math.max(1, workers)).mapToObj(_ -> named.start(this::work)).toList();
    }

    @Override
    public boolean hasNext() {
        synchronized (lock) {
            return !closed && (!ahead.isEmpty() || batches.hasNext());
        }
    }

    /**
     * The next batch, waiting for it if need be.
     *
     * @throws CancellationException if the loader is closed, or this thread interrupted, while waiting; in the latter case
     *     the interrupt flag stays set and the batch is delivered by the next call
     * @throws BadInput naming the image whose preparation takes longer than the timeout
     * @throws RuntimeException what a worker threw: the exception itself, with the worker's stack
     */
    @Override
    public List<T> next() {
        synchronized (lock) {
            if (!hasNext()) {
                throw new NoSuchElementException(closed ? "the loader is closed" : "no batch left");
            }
            fill(1);
            awaitFirst();
            List<T> batch = ahead.removeFirst().stream().map(task -> task.result).toList();
            imagesAhead -= batch.size();
            delivered++;
            fill(0);
            return batch;
        }
    }

    /** Batches that {@link #next()} has returned, for resuming: what is prepared ahead does not count. */
    public long delivered() {
        synchronized (lock) {
            return delivered;
        }
    }

    /** How far the workers are ahead; none is, without workers. May be asked by any thread. */
    public Queue queue() {
        synchronized (lock) {
            int ready = 0;
            for (List<Task> batch : ahead) {
                for (Task task : batch) {
                    ready += task.done ? 1 : 0;
                }
            }
            return new Queue(ready, imagesAhead, workNanos * 1e-9);
        }
    }

    /**
     * Interrupts the workers and waits until they are gone; may be called from another thread, then {@link #next()} gives
     * up. An interrupt ends reading from a file, even one that hangs; decoding goes on to its end, which is near.
     */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
        threads.forEach(Thread::interrupt);
        boolean interrupted = Thread.interrupted();
        try {
            long end = System.nanoTime() + CLOSE_PATIENCE.toNanos();
            for (Thread thread : threads) {
                if (!thread.join(Duration.ofNanos(Math.max(0, end - System.nanoTime())))) {
                    LOG.warn("a data worker is still busy with an image after {} s; it is left behind", CLOSE_PATIENCE.toSeconds());
                }
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void fill(int atLeast) {
        while ((ahead.size() < atLeast || wantsMore()) && batches.hasNext()) {
            List<Task> tasks = batches.next().stream().map(Task::new).toList();
            ahead.addLast(tasks);
            imagesAhead += tasks.size();
            waiting.addAll(tasks);
            lock.notifyAll();
        }
    }

    private boolean wantsMore() {
        return workers > 0 && (ahead.size() < BATCHES_AHEAD || imagesAhead < IMAGES_PER_WORKER * workers);
    }

    /** Waits until all of the first batch is there. */
    private void awaitFirst() {
        while (true) {
            if (closed) {
                throw new CancellationException("the loader was closed");
            }
            long nanosLeft = look();
            if (failure != null) {
                throw unchecked(failure);
            }
            if (ahead.getFirst().stream().allMatch(task -> task.done)) {
                return;
            }
            try {
                TimeUnit.NANOSECONDS.timedWait(lock, nanosLeft);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancellationException("interrupted while waiting for the next batch");
            }
        }
    }

    /** Notes the first failed or overdue image; returns the time until another one can be overdue. */
    private long look() {
        long now = System.nanoTime();
        long nanosLeft = timeout.toNanos();
        for (List<Task> batch : ahead) {
            for (Task task : batch) {
                long left = task.nanosLeft(now);
                if (failure == null && (task.failure != null || left <= 0)) {
                    failure = task.failure != null ? task.failure : task.overdue();
                }
                nanosLeft = Math.min(nanosLeft, left);
            }
        }
        return nanosLeft;
    }

    private static RuntimeException unchecked(Throwable failure) {
        switch (failure) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        }
    }

    /** What a worker does. */
    private void work() {
        while (true) {
            Task task;
            synchronized (lock) {
                while (waiting.isEmpty() && !closed) {
                    try {
                        lock.wait();
                    } catch (InterruptedException e) {
                        return; // only close() interrupts
                    }
                }
                if (closed) {
                    return;
                }
                task = waiting.removeFirst();
                task.begin();
            }
            T result = null;
            Throwable failure = null;
            try {
                result = source.load(task.draw);
            } catch (Throwable e) { // of any kind: the consumer must hear of it
                failure = e;
            }
            synchronized (lock) {
                task.end(result, failure);
                lock.notifyAll();
            }
        }
    }

    /** One image of a batch. */
    private final class Task {
        private final Draw draw;
        private boolean running;
        private long begin;
        private boolean done;
        private T result;
        private Throwable failure;

        Task(Draw draw) {
            this.draw = draw;
        }

        void begin() {
            running = true;
            begin = System.nanoTime();
        }

        void end(T made, Throwable thrown) {
            running = false;
            workNanos += System.nanoTime() - begin;
            done = thrown == null;
            result = made;
            failure = thrown;
        }

        long nanosLeft(long now) {
            return running ? begin + timeout.toNanos() - now : timeout.toNanos();
        }

        BadInput overdue() {
            return BadInput.of("%s: the image is not ready after %.1f s (DATALOADER.TIMEOUT); see whether its disk or network drive answers,"
                    + " or allow more time", source.name(draw), timeout.toMillis() * 1e-3);
        }
    }
}
