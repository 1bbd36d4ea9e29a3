package org.sparsercnn.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Batches prepared ahead by worker threads. Their order and content are those of {@code batches} and {@code load}
 * whatever the number of workers; with none, the caller's thread does the work when it asks.
 *
 * <p>Ahead of the caller are two batches, or as many as give every worker two images: no more memory than that. A failure
 * of a worker is thrown by the {@link #next()} that asks for its batch, again and again: a training never skips a batch
 * silently. For one consuming thread.
 *
 * @param <T> what an image becomes, usually {@link Sample}
 */
public final class DataLoader<T> implements Iterator<List<T>>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataLoader.class);
    private static final int BATCHES_AHEAD = 2;
    private static final int IMAGES_PER_WORKER = 2;
    private static final int CLOSE_SECONDS = 60;

    private final Iterator<List<Draw>> batches;
    private final Function<Draw, T> load;
    private final int workers;
    private final ExecutorService pool; // null without workers
    private final Deque<List<FutureTask<T>>> ahead = new ArrayDeque<>();
    private int imagesAhead;
    private long delivered;
    private volatile boolean closed;

    /** @param load called by the workers, at the same time for several images */
    public DataLoader(Iterator<List<Draw>> batches, Function<Draw, T> load, int workers) {
        if (workers < 0) {
            throw new IllegalArgumentException("workers: " + workers);
        }
        this.batches = batches;
        this.load = load;
        this.workers = workers;
        ThreadFactory threads = Thread.ofPlatform().name("data-worker-", 0).daemon().factory();
        this.pool = workers == 0 ? null : Executors.newFixedThreadPool(workers, threads);
    }

    @Override
    public boolean hasNext() {
        return !closed && (!ahead.isEmpty() || batches.hasNext());
    }

    /**
     * The next batch, waiting for it if need be.
     *
     * @throws CancellationException if the loader is closed, or this thread interrupted, while waiting; in the latter case
     *     the interrupt flag stays set and the batch is delivered by the next call
     * @throws RuntimeException what a worker threw: the exception itself, with the worker's stack
     */
    @Override
    public List<T> next() {
        if (!hasNext()) {
            throw new NoSuchElementException(closed ? "the loader is closed" : "no batch left");
        }
        fill();
        List<FutureTask<T>> tasks = ahead.getFirst();
        List<T> batch = new ArrayList<>(tasks.size());
        for (FutureTask<T> task : tasks) {
            if (pool == null) {
                task.run();
            }
            batch.add(result(task));
        }
        ahead.removeFirst();
        imagesAhead -= tasks.size();
        delivered++;
        fill();
        return batch;
    }

    /** Batches that {@link #next()} has returned, for resuming: what is prepared ahead does not count. */
    public long delivered() {
        return delivered;
    }

    /** Stops the workers and waits until they are gone; may be called from another thread, then {@link #next()} gives up. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (pool == null) {
            return;
        }
        for (Runnable waiting : pool.shutdownNow()) {
            ((FutureTask<?>) waiting).cancel(false); // wakes a consumer that waits for it
        }
        boolean interrupted = Thread.interrupted();
        try {
            if (!pool.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("a data worker is still reading an image after {} s; it is left behind", CLOSE_SECONDS);
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void fill() {
        while (batches.hasNext() && needsMore()) {
            List<FutureTask<T>> tasks = batches.next().stream().map(draw -> new FutureTask<>(() -> load.apply(draw))).toList();
            ahead.addLast(tasks);
            imagesAhead += tasks.size();
            if (pool != null) {
                tasks.forEach(pool::execute);
            }
        }
    }

    private boolean needsMore() {
        if (pool == null) {
            return ahead.isEmpty();
        }
        return ahead.size() < BATCHES_AHEAD || imagesAhead < IMAGES_PER_WORKER * workers;
    }

    private static <T> T result(Future<T> task) {
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while waiting for the next batch");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }
}
