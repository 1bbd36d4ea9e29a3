package org.sparsercnn.dist;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.ffi.Mpi;
import org.sparsercnn.util.GuardStop;

/**
 * Processes whose devices compute in host memory, by MPI. A thread of its own makes all calls, in the order of this rank's, so that sums go
 * on while the device computes; MPI moves data only while it is asked about it. Who waits for a call heeds the {@link Watch}.
 */
final class MpiGroup implements Collective {
    /** Bytes of one call of MPI's: a large sum in such pieces is 2.5 times as fast as in one. */
    private static final long PIECE = 4 << 20;
    /** Asked so often without a break while data is moving, then only now and then: the other threads compute. */
    private static final int SPINS = 500;
    private static final long SHORTEST_PAUSE_NS = 10_000;
    private static final long LONGEST_PAUSE_NS = 500_000;
    private static final long LEARNING_NS = 2_000_000_000L;

    /** One call of this rank's: the pieces it begins with, in the thread that talks to MPI. */
    private static final class Call {
        private static final Call LAST = new Call(List.of());
        private final List<LongSupplier> pieces;
        private volatile boolean done;
        private volatile Throwable failure;
        private volatile Thread waiter;

        Call(List<LongSupplier> pieces) {
            this.pieces = pieces;
        }

        void end(Throwable reason) {
            failure = reason;
            done = true;
            LockSupport.unpark(waiter);
        }
    }

    private final Mpi mpi;
    private final Lookout lookout;
    private final BlockingQueue<Call> calls = new LinkedBlockingQueue<>();
    private final Thread talking;
    private volatile boolean givenUp;

    MpiGroup(Mpi mpi, Lookout lookout) {
        this.mpi = mpi;
        this.lookout = lookout;
        this.talking = Thread.ofPlatform().daemon().name("mpi").start(this::talk);
    }

    @Override
    public int rank() {
        return mpi.rank();
    }

    @Override
    public int size() {
        return mpi.size();
    }

    private void talk() {
        try {
            for (Call call; (call = calls.take()) != Call.LAST;) {
                Throwable failure = null;
                try {
                    call.pieces.forEach(this::complete); // one by one: together they are slower
                } catch (Throwable e) { // whatever it is, one waits for its end
                    failure = e;
                }
                call.end(failure);
            }
        } catch (InterruptedException _) { // nobody interrupts this thread
        }
    }

    private void complete(LongSupplier piece) {
        if (givenUp) {
            throw new GuardStop("given up");
        }
        long request = piece.getAsLong();
        long pause = SHORTEST_PAUSE_NS;
        for (int asked = 0; !mpi.test(request); asked++) {
            if (givenUp) {
                throw new GuardStop("given up");
            }
            if (asked > SPINS) {
                LockSupport.parkNanos(pause);
                pause = Math.min(2 * pause, LONGEST_PAUSE_NS);
            } else {
                Thread.onSpinWait();
            }
        }
    }

    private Call begin(List<LongSupplier> pieces) {
        lookout.call();
        Call call = new Call(pieces);
        calls.add(call);
        return call;
    }

    /** Until it is done, or the run has failed. */
    private void await(Call call) {
        if (!call.done) {
            call.waiter = Thread.currentThread();
            try (var wait = lookout.begin()) {
                while (!call.done) {
                    LockSupport.parkNanos(call, LONGEST_PAUSE_NS);
                    if (!call.done) {
                        wait.check();
                    }
                    if (Thread.currentThread().isInterrupted()) {
                        throw new GuardStop("rank " + rank() + " was interrupted");
                    }
                }
            } catch (RuntimeException e) {
                givenUp = true;
                throw e;
            }
        }
        if (call.failure != null) {
            learnWhy();
            throw new GuardStop(String.valueOf(call.failure.getMessage()));
        }
    }

    /** MPI may notice the end of another rank before the watch does, but cannot say whose it was. */
    private void learnWhy() {
        try (var wait = lookout.begin()) {
            for (long end = System.nanoTime() + LEARNING_NS; System.nanoTime() < end;) {
                wait.check();
                LockSupport.parkNanos(LONGEST_PAUSE_NS);
            }
        }
    }

    private Call sum(Pointer values, long count, DType type) {
        if (type != DType.F32 && type != DType.BF16) {
            throw new IllegalArgumentException("sums over ranks are fp32 or bf16, not " + type);
        }
        List<LongSupplier> pieces = new ArrayList<>();
        for (MemorySegment piece : pieces(values, count * type.bytes())) {
            int elements = (int) (piece.byteSize() / type.bytes());
            pieces.add(type == DType.F32 ? () -> mpi.startSumFloats(piece, elements) : () -> mpi.startSumBf16(piece, elements));
        }
        return begin(pieces);
    }

    private static List<MemorySegment> pieces(Pointer values, long bytes) {
        MemorySegment all = MemorySegment.ofAddress(values.address()).reinterpret(bytes);
        List<MemorySegment> pieces = new ArrayList<>();
        for (long at = 0; at < bytes; at += PIECE) {
            pieces.add(all.asSlice(at, Math.min(PIECE, bytes - at)));
        }
        return pieces;
    }

    @Override
    public void allReduceSum(Pointer values, long count, DType type) {
        await(sum(values, count, type));
    }

    @Override
    public Pending startAllReduceSum(Pointer values, long count, DType type) {
        Call call = sum(values, count, type);
        return () -> await(call);
    }

    @Override
    public void broadcast(Pointer values, long bytes, int root) {
        List<LongSupplier> pieces = new ArrayList<>();
        for (MemorySegment piece : pieces(values, bytes)) {
            pieces.add(() -> mpi.startBroadcast(piece, (int) piece.byteSize(), root));
        }
        await(begin(pieces));
    }

    @Override
    public void barrier() {
        await(begin(List.of(mpi::startBarrier)));
    }

    @Override
    public Lookout lookout() {
        return lookout;
    }

    /** Ends the thread; MPI itself is the process's. */
    @Override
    public void close() {
        givenUp = true;
        calls.add(Call.LAST);
        try {
            talking.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
