package org.sparsercnn.app.serving;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.sparsercnn.app.LoadedModel;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.Sample;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.train.Samples;

/** A request's place in a {@link DetectionService}, from its beginning until {@link #close}. */
public final class Ticket implements AutoCloseable {
    private static final double NANO = 1e-9;

    /**
     * A picture that waits for the device.
     *
     * @param size it is padded to
     * @param waited seconds it has waited already
     * @param since when it began to wait for the device, in {@link System#nanoTime}'s time
     */
    record Prepared(Sample sample, ImageBatch.Size size, double decode, double preprocess, double waited, long since) {}

    private final DetectionService service;
    private final long deadline;
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile byte[] file;
    private volatile Prepared prepared;

    /** @param deadline in {@link System#nanoTime}'s time */
    Ticket(DetectionService service, long deadline) {
        this.service = service;
        this.deadline = deadline;
    }

    /** Nanoseconds until the answer is due, 0 when it is overdue. */
    public long left() {
        return Math.max(0, deadline - System.nanoTime());
    }

    /**
     * Finds the objects in a picture; to be called once.
     *
     * @return fails with BadInput for a bad picture, with {@link Refusal}, or with whatever went wrong
     */
    public CompletableFuture<Answer> detect(byte[] picture) {
        if (left() > 0) {
            file = picture;
            service.submit(this, System.nanoTime());
        }
        return answer.completeOnTimeout(null, left(), TimeUnit.NANOSECONDS).thenApply(found -> {
            if (found == null) {
                throw new Refusal(Refusal.Reason.TIMEOUT, "no answer within " + service.limits().seconds() + " s; try again later");
            }
            return found;
        });
    }

    /** Whether nobody waits for an answer any more. */
    boolean over() {
        return answer.isDone() || closed.get();
    }

    void fail(Throwable reason) {
        answer.completeExceptionally(reason);
    }

    Prepared prepared() {
        return prepared;
    }

    /** Decodes the picture; by one of the threads for that. */
    void prepare(LoadedModel model, long submitted) {
        byte[] bytes = file;
        if (bytes == null) { // closed meanwhile
            return;
        }
        long begin = System.nanoTime();
        Image image = LoadedModel.decode(bytes, service.limits().pixels());
        long decoded = System.nanoTime();
        Sample sample = model.prepare(image);
        long end = System.nanoTime();
        prepared = new Prepared(sample, ImageBatch.Size.of(Samples.pictures(List.of(sample))), (decoded - begin) * NANO, (end - decoded) * NANO,
                (begin - submitted) * NANO, end);
        file = null;
    }

    /** @param begun when the device began with the batch */
    void complete(LoadedModel.Answer found, int batch, long begun) {
        Prepared p = prepared;
        answer.complete(new Answer(p.sample.original().width(), p.sample.original().height(), found.objects(), batch, new Answer.Times(p.decode,
                p.preprocess, p.waited + (begun - p.since) * NANO, found.forwardSeconds(), found.postSeconds())));
    }

    /** Gives the place back, however the request ended; what is not computed yet is not computed any more. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            answer.cancel(false);
            service.leave(this);
            file = null;
        }
    }
}
