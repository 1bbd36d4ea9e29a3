package org.sparsercnn.dist;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Lookout;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.util.GuardStop;

/**
 * Replicas in one process, one thread each, whose devices compute in host memory. When a member fails or is late, every
 * other gets a {@link GuardStop} instead of waiting for ever.
 */
public final class LocalGroup {
    private final int size;
    private final long timeoutSeconds;
    private final Phaser barrier;
    private final long[] addresses;

    public LocalGroup(int size, long timeoutSeconds) {
        this.size = size;
        this.timeoutSeconds = timeoutSeconds;
        this.barrier = new Phaser(size);
        this.addresses = new long[size];
    }

    /** A group of one, for the ordinary run. */
    public static Collective alone() {
        return Collective.OF_ONE;
    }

    public Collective member(int rank) {
        return member(rank, Lookout.NONE);
    }

    Collective member(int rank, Lookout lookout) {
        return new Member(rank, lookout);
    }

    /** Wakes all members with an error; called by one that cannot go on. */
    public void abort() {
        barrier.forceTermination(); // for those who come later, too
    }

    private final class Member implements Collective {
        private final int rank;
        private final Lookout lookout;

        Member(int rank, Lookout lookout) {
            this.rank = rank;
            this.lookout = lookout;
        }

        @Override
        public int rank() {
            return rank;
        }

        @Override
        public int size() {
            return size;
        }

        /** Each rank adds its share of the elements for all ranks, in rank order, so every rank gets the same bits. */
        @Override
        public void allReduceSum(Pointer values, long count, DType type) {
            if (size == 1) {
                return;
            }
            publish(values);
            MemorySegment[] all = new MemorySegment[size];
            for (int r = 0; r < size; r++) {
                all[r] = MemorySegment.ofAddress(addresses[r]).reinterpret(type.bytes() * count);
            }
            HostSums.ofRanks(all, rank * count / size, (rank + 1) * count / size, type);
            barrier();
        }

        /** At once: the ranks' threads compute nothing beside it. */
        @Override
        public Pending startAllReduceSum(Pointer values, long count, DType type) {
            allReduceSum(values, count, type);
            return () -> {};
        }

        @Override
        public void broadcast(Pointer values, long bytes, int root) {
            if (size == 1) {
                return;
            }
            publish(values);
            if (rank != root) {
                MemorySegment.ofAddress(addresses[rank]).reinterpret(bytes)
                        .copyFrom(MemorySegment.ofAddress(addresses[root]).reinterpret(bytes));
            }
            barrier();
        }

        @Override
        public Lookout lookout() {
            return lookout;
        }

        private void publish(Pointer values) {
            addresses[rank] = values.address();
            barrier();
        }

        @Override
        public void barrier() {
            lookout.call();
            try (var wait = lookout.begin()) {
                int phase = barrier.arrive();
                if (phase < 0 || barrier.awaitAdvanceInterruptibly(phase, timeoutSeconds, TimeUnit.SECONDS) < 0) {
                    wait.check(); // which may know why
                    throw new GuardStop("replica " + rank + ": another replica failed");
                }
            } catch (TimeoutException e) {
                abort();
                throw new GuardStop("replica " + rank + ": the others did not answer in " + timeoutSeconds + " s");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new GuardStop("replica " + rank + " was interrupted");
            }
        }
    }
}
