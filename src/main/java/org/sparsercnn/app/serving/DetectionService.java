package org.sparsercnn.app.serving;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Supplier;
import javax.imageio.ImageIO;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.app.Environment;
import org.sparsercnn.app.LoadedModel;
import org.sparsercnn.config.Config;
import org.sparsercnn.util.BadInput;

/**
 * One model for many callers. A request takes a {@link Ticket}, of which there are as many as {@link Limits#queue}. Its picture is
 * decoded and scaled by one of a few threads, and then waits for the one thread that owns the device. So what lies in memory is
 * bounded: as many files and scaled pictures as there are tickets, as many whole pictures as there are threads that decode.
 */
public final class DetectionService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.serve");
    private static final int MOST_DECODERS = 8;
    private static final double MILLI = 1e6;
    private static final double SECOND = 1e9;

    private final Limits limits;
    private final LoadedModel model;
    private final int mostInBatch;
    private final ExecutorService device;
    private final ExecutorService decoders;
    private final Waiting waiting = new Waiting();
    private final AtomicInteger inFlight = new AtomicInteger();
    /** By number of pictures. */
    private final AtomicLongArray batches;
    private final CompletableFuture<Throwable> failure = new CompletableFuture<>();
    private volatile long deviceBytesInUse;
    private volatile boolean refusing;

    private DetectionService(Limits limits, LoadedModel model, ExecutorService device, int decoders) {
        this.limits = limits;
        this.model = model;
        this.device = device;
        this.decoders = Executors.newFixedThreadPool(decoders, Thread.ofPlatform().daemon().name("decode-", 1).factory());
        this.mostInBatch = limits.batch().orElse(model.gainsFromBatches() ? Limits.BATCH_BEHIND : 1);
        this.batches = new AtomicLongArray(mostInBatch + 1);
        this.deviceBytesInUse = model.bytesInUse();
    }

    /**
     * Loads the model and computes once, so that the first request is as fast as the others.
     *
     * @throws BadInput for a device that is not there, weights that are missing or incomplete
     */
    public static DetectionService open(Environment environment, Config config, DeviceChoice choice, Limits limits) {
        return open(() -> LoadedModel.open(environment, config, choice), Math.clamp(choice.cpuThreads() / 2, 1, MOST_DECODERS), limits);
    }

    /**
     * @param opening opens the model, in the thread that will own it
     * @param decoders threads that decode
     */
    public static DetectionService open(Supplier<LoadedModel> opening, int decoders, Limits limits) {
        ImageIO.setUseCache(false); // its readers then write no temporary files: nothing of a request reaches the disk
        ExecutorService device = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("device").factory());
        try {
            LoadedModel model = CompletableFuture.supplyAsync(() -> warm(opening.get()), device).join();
            DetectionService service = new DetectionService(limits, model, device, decoders);
            device.execute(service::compute);
            return service;
        } catch (CompletionException e) {
            device.shutdown();
            throw e.getCause() instanceof RuntimeException reason ? reason : e;
        }
    }

    private static LoadedModel warm(LoadedModel model) {
        try {
            model.warmUp();
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    public Limits limits() {
        return limits;
    }

    public LoadedModel.Description description() {
        return model.description();
    }

    /** Most pictures a pass. */
    public int mostInBatch() {
        return mostInBatch;
    }

    /** Tickets that are out. */
    public int inFlight() {
        return inFlight.get();
    }

    /** Pictures that wait for the device. */
    public int waiting() {
        return waiting.length();
    }

    /** Passes so far, by the number of their pictures from 0 to {@link #mostInBatch}. */
    public long[] batches() {
        long[] counts = new long[batches.length()];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = batches.get(i);
        }
        return counts;
    }

    /** Bytes that tensors held on the device after the last pass. */
    public long deviceBytesInUse() {
        return deviceBytesInUse;
    }

    /** Completes with the reason when the device computes no more. */
    public CompletableFuture<Throwable> failure() {
        return failure;
    }

    /** From now on nobody gets in; who is in is answered. */
    public void refuseNew() {
        refusing = true;
    }

    public boolean refusesNew() {
        return refusing;
    }

    /** @throws Refusal if there is no place */
    public Ticket admit() {
        if (failure.isDone()) {
            throw failed();
        }
        if (refusing) {
            throw new Refusal(Refusal.Reason.SHUTTING_DOWN, "the server is shutting down");
        }
        if (inFlight.incrementAndGet() > limits.queue()) {
            inFlight.decrementAndGet();
            throw new Refusal(Refusal.Reason.QUEUE_FULL, limits.queue() + " requests are under way, as many as are allowed; try again later");
        }
        Ticket ticket = new Ticket(this, System.nanoTime() + (long) (limits.seconds() * SECOND));
        waiting.expect(ticket);
        return ticket;
    }

    private static Refusal failed() {
        return new Refusal(Refusal.Reason.DEVICE_FAILED, "the device computes no more; the server's log has the reason");
    }

    void submit(Ticket ticket, long submitted) {
        try {
            decoders.execute(() -> {
                try {
                    ticket.prepare(model, submitted);
                    waiting.ready(ticket);
                } catch (RuntimeException | Error e) {
                    ticket.fail(e);
                }
            });
        } catch (RejectedExecutionException e) {
            ticket.fail(new Refusal(Refusal.Reason.SHUTTING_DOWN, "the server is shutting down"));
        }
    }

    void leave(Ticket ticket) {
        waiting.remove(ticket);
        inFlight.decrementAndGet();
    }

    /** The life of the device's thread. */
    private void compute() {
        try {
            for (List<Ticket> batch; !(batch = waiting.take(mostInBatch, (long) (limits.batchWaitMillis() * MILLI))).isEmpty();) {
                compute(batch);
            }
        } catch (InterruptedException e) {
            LOG.debug("The device's thread was interrupted and ends");
        }
    }

    private void compute(List<Ticket> batch) {
        if (failure.isDone()) {
            batch.forEach(ticket -> ticket.fail(failed()));
            return;
        }
        long begun = System.nanoTime();
        try {
            List<LoadedModel.Answer> answers = model.detect(batch.stream().map(ticket -> ticket.prepared().sample()).toList());
            batches.incrementAndGet(batch.size());
            deviceBytesInUse = model.bytesInUse();
            for (int i = 0; i < batch.size(); i++) {
                batch.get(i).complete(answers.get(i), batch.size(), begun);
            }
        } catch (RuntimeException | Error e) {
            batch.forEach(ticket -> ticket.fail(e));
            LOG.error("A pass over {} pictures failed", batch.size(), e);
            tryDevice();
        }
    }

    /** After a failure: was it these pictures, or can the device do nothing any more? */
    private void tryDevice() {
        try {
            model.warmUp();
        } catch (RuntimeException | Error e) {
            LOG.error("The device computes no more", e);
            failure.complete(e);
        }
    }

    /** Ends once those who wait are answered. */
    @Override
    public void close() {
        refuseNew();
        decoders.shutdown();
        waiting.close();
        device.execute(model::close);
        device.shutdown();
        try {
            if (!device.awaitTermination((long) limits.seconds() + 1, TimeUnit.SECONDS)) {
                LOG.warn("The device is still busy; its memory goes with the process");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
