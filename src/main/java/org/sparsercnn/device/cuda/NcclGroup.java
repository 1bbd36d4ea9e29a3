package org.sparsercnn.device.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.device.Buffer;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.device.Readback;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.NcclCalls;
import org.sparsercnn.ffi.cuda.NumberType;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/**
 * A GPU as a rank of a group, by NCCL. Collectives run on a stream of their own, in the order of the calls, which is the same on every
 * rank; each begins behind what the compute stream was given before it, and what is computed meanwhile runs beside it.
 *
 * <p>Memory whose sum has begun must not be freed before {@link Collective.Pending#finish}: until then the compute stream, by which the
 * allocator goes, knows nothing of the sum. Close the group before its device and before the memory of what it sums.
 *
 * <p>Nothing waits without asking the {@link Lookout}. The first failure, ours, the library's or the lookout's, ends the membership: the
 * communicator is aborted, so that what is queued behind it comes to an end, and every later call fails. What sums hold then is undefined.
 * All calls are made by one thread at a time; {@link #abort} may come from any.
 */
public final class NcclGroup implements Collective {
    private static final Logger LOG = LoggerFactory.getLogger(NcclGroup.class);
    /** About a tenth of a millisecond; a sum that takes longer is not delayed by a nap. */
    private static final int SPINS = 200;
    private static final long SHORTEST_NAP_NANOS = 50_000;
    private static final long LONGEST_NAP_NANOS = 1_000_000;
    /** A call that takes longer hangs: for one who aborts, waiting for it any longer is worse than what may happen to it. */
    private static final long CALL_SECONDS = 2;
    private static final int INVALID_ARGUMENT = 4;
    private static final int INVALID_USAGE = 5;

    private final CudaDevice device;
    private final CudaDriver driver;
    private final long compute;
    private final NcclCalls nccl;
    private final int rank;
    private final int size;
    private final Lookout lookout;
    private final long stream;
    private final List<Long> events = new ArrayList<>();
    private final Deque<Long> freeEvents = new ArrayDeque<>();
    private final Deque<Long> freeClocks = new ArrayDeque<>();
    /** Where the compute stream is; recorded and waited for again and again. */
    private final long reached;
    /** What a barrier adds up. */
    private final Buffer zero;
    private final long comm;
    /** Held while NCCL has the communicator in its hands. */
    private final ReentrantLock calls = new ReentrantLock();
    /** Whether the communicator is gone. */
    private final AtomicBoolean left = new AtomicBoolean();
    private boolean closed;

    /** Waits for all ranks to come. {@code compute} is the stream of the device's other work. */
    NcclGroup(CudaDevice device, CudaDriver driver, long compute, NcclCalls nccl, byte[] uniqueId, int rank, int size, Lookout lookout) {
        this.device = device;
        this.driver = driver;
        this.compute = compute;
        this.nccl = nccl;
        this.rank = rank;
        this.size = size;
        this.lookout = lookout;
        this.stream = driver.streamCreate();
        this.reached = newEvent();
        this.zero = device.allocate(Float.BYTES);
        device.zero(zero::address, Float.BYTES);
        this.comm = join(uniqueId);
        try {
            waitUntil(this::isReady);
        } catch (CudaException e) {
            throw refused(e);
        } catch (RuntimeException | Error e) {
            abort();
            release();
            throw e;
        }
    }

    private long join(byte[] uniqueId) {
        try {
            return nccl.commInit(size, uniqueId, rank);
        } catch (CudaException e) {
            left.set(true); // there is none
            throw refused(e);
        }
    }

    /** Two ranks on one GPU and the like are for the user to remedy. */
    private RuntimeException refused(CudaException e) {
        abort();
        release();
        boolean wrong = e.code() == INVALID_ARGUMENT || e.code() == INVALID_USAGE;
        return wrong && device.explain(e) == e ? new BadInput("rank " + rank + " of " + size + " cannot join with " + device.name() + ". "
                + e.getMessage() + ". Each rank needs a GPU of its own; NCCL_DEBUG=INFO in the environment tells more", e) : explain(e);
    }

    private RuntimeException explain(CudaException e) {
        RuntimeException explained = device.explain(e);
        if (explained != e || !e.library().equals("NCCL")) {
            return explained;
        }
        GuardStop stop = new GuardStop("rank " + rank + ": " + e.getMessage());
        stop.initCause(e);
        return stop;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    // Collectives

    @Override
    public void allReduceSum(Pointer values, long count, DType type) {
        startAllReduceSum(values, count, type).finish();
    }

    @Override
    public Pending startAllReduceSum(Pointer values, long count, DType type) {
        NumberType numbers = switch (type) {
            case F32 -> NumberType.F32;
            case BF16 -> NumberType.BF16;
            default -> throw new IllegalArgumentException("sums over ranks are fp32 or bf16, not " + type);
        };
        return queue(() -> nccl.allReduceSum(values.address(), values.address(), count, numbers, comm, stream));
    }

    @Override
    public void broadcast(Pointer values, long bytes, int root) {
        queue(() -> nccl.broadcast(values.address(), values.address(), bytes, root, comm, stream)).finish();
    }

    @Override
    public Lookout lookout() {
        return lookout;
    }

    @Override
    public void barrier() {
        Queued sum = queue(() -> nccl.allReduceSum(zero.address(), zero.address(), 1, NumberType.F32, comm, stream));
        orAbort(() -> {
            waitUntil(() -> driver.eventQuery(sum.done));
            isReady();
            return null;
        });
        sum.finish();
    }

    @Override
    public MemorySegment await(Readback readback) {
        enter("await of a readback");
        return orAbort(() -> {
            waitUntil(readback::isDone);
            isReady(); // what an aborted sum left behind must not be taken for numbers
            return readback.await();
        });
    }

    /** A collective that is on its way. */
    private final class Queued implements Pending {
        private final long done;
        private boolean finished;

        Queued(long done) {
            this.done = done;
        }

        @Override
        public void finish() {
            enter("a collective");
            if (!finished) {
                finished = true;
                orAbort(() -> {
                    requireMember();
                    driver.streamWaitEvent(compute, done);
                    freeEvents.push(done); // a wait goes by what was recorded before it
                    return null;
                });
            }
        }
    }

    private Queued queue(Runnable collective) {
        enter("a collective");
        lookout.call();
        return orAbort(() -> {
            requireMember();
            driver.eventRecord(reached, compute);
            driver.streamWaitEvent(stream, reached);
            call(() -> {
                collective.run();
                return null;
            });
            waitUntil(this::isReady); // not before is it on the stream
            long done = freeEvents.isEmpty() ? newEvent() : freeEvents.pop();
            driver.eventRecord(done, stream);
            return new Queued(done);
        });
    }

    private void enter(String what) {
        if (closed) {
            throw new IllegalStateException("rank " + rank + ", " + what + ": it has left its group");
        }
        device.enterToWait(what, -1);
    }

    private long newEvent() {
        return newEvent(false);
    }

    private long newEvent(boolean timing) {
        long event = driver.eventCreate(timing);
        events.add(event);
        return event;
    }

    private long clock() {
        long event = freeClocks.isEmpty() ? newEvent(true) : freeClocks.pop();
        driver.eventRecord(event, compute);
        return event;
    }

    @Override
    public Timed timed(Runnable waits) {
        enter("a time");
        long begin = orAbort(this::clock);
        waits.run();
        long end = orAbort(this::clock);
        return () -> {
            enter("a time");
            double seconds = orAbort(() -> driver.eventElapsed(begin, end)) * 1e-3;
            freeClocks.push(begin);
            freeClocks.push(end);
            return seconds;
        };
    }

    // Failures

    private <T> T orAbort(Supplier<T> work) {
        try {
            return work.get();
        } catch (CudaException e) {
            abort();
            throw explain(e);
        } catch (RuntimeException | Error e) {
            abort();
            throw e;
        }
    }

    /** The one place where this rank waits for others. */
    private void waitUntil(BooleanSupplier done) {
        for (int i = 0; i < SPINS; i++) {
            if (done.getAsBoolean()) {
                return;
            }
            Thread.onSpinWait();
        }
        try (Lookout.Wait wait = lookout.begin()) {
            for (long nap = SHORTEST_NAP_NANOS; !done.getAsBoolean(); nap = Math.min(LONGEST_NAP_NANOS, nap + nap / 8)) {
                wait.check();
                isReady(); // throws what went wrong behind us
                if (Thread.currentThread().isInterrupted()) {
                    throw new GuardStop("rank " + rank + " was interrupted while it waited for the others");
                }
                LockSupport.parkNanos(nap);
            }
        }
    }

    private boolean isReady() {
        return call(() -> nccl.isReady(comm));
    }

    private <T> T call(Supplier<T> call) {
        calls.lock();
        try {
            requireMember();
            return call.get();
        } finally {
            calls.unlock();
        }
    }

    private void requireMember() {
        if (left.get()) {
            try (Lookout.Wait wait = lookout.begin()) {
                wait.check(); // which may know why
            }
            throw new GuardStop("rank " + rank + ": its group of " + size + " GPUs was given up");
        }
    }

    /**
     * Ends what is queued and the membership; who waits gets a {@link GuardStop}. From any thread, any number of times, at any time before
     * {@link #close} returns.
     */
    public void abort() {
        if (left.compareAndSet(false, true)) {
            boolean held = lockInTime();
            try {
                nccl.commAbort(comm);
            } catch (CudaException e) {
                LOG.debug("rank {} aborts: {}", rank, e.getMessage());
            } finally {
                if (held) {
                    calls.unlock();
                }
            }
        }
    }

    private boolean lockInTime() {
        try {
            return calls.tryLock() || calls.tryLock(CALL_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    // The end

    /**
     * Leaves the group: where all went well after the last collective is done on every rank. One who leaves because of a failure of its
     * own calls {@link #abort} first, or waits for sums that the others may never join. Never throws.
     */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                if (!left.get()) {
                    leave();
                }
            } catch (RuntimeException e) {
                LOG.debug("rank {} leaves: {}", rank, e.getMessage());
                abort();
            }
            release();
        }
    }

    private void leave() {
        device.enter();
        driver.eventRecord(reached, stream);
        waitUntil(() -> driver.eventQuery(reached));
        call(() -> {
            nccl.commFinalize(comm);
            return null;
        });
        waitUntil(this::isReady);
        call(() -> {
            if (left.compareAndSet(false, true)) {
                nccl.commDestroy(comm);
            }
            return null;
        });
    }

    private void release() {
        device.free(zero);
        try {
            device.enter();
            events.forEach(driver::eventDestroy);
            driver.streamDestroy(stream);
        } catch (RuntimeException e) { // they go with the context
            LOG.debug("rank {} leaves: {}", rank, e.getMessage());
        }
    }
}
