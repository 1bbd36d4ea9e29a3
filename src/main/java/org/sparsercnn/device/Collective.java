package org.sparsercnn.device;

import java.lang.foreign.MemorySegment;

/**
 * Communication of one rank with the others of its group. Every rank makes the same calls in the same order; each call is in order
 * with the other work of the rank's device, and may run behind the caller as that does.
 */
public interface Collective extends AutoCloseable {
    /** The group of a rank that is alone: all there is to do is done. */
    Collective OF_ONE = new Collective() {
        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int size() {
            return 1;
        }

        @Override
        public void allReduceSum(Pointer values, long count, DType type) {}

        @Override
        public Pending startAllReduceSum(Pointer values, long count, DType type) {
            return () -> {};
        }

        @Override
        public void broadcast(Pointer values, long bytes, int root) {}

        @Override
        public void barrier() {}
    };

    /** A sum that has begun. */
    @FunctionalInterface
    interface Pending {
        /** Work that is queued on the device from now on finds the sum. */
        void finish();
    }

    /** A time that is known once what was queued behind it has come back from the device. */
    @FunctionalInterface
    interface Timed {
        double seconds();
    }

    int rank();

    int size();

    /** Replaces {@code count} values on every rank by their sum over the ranks; every rank gets the same bits. */
    void allReduceSum(Pointer values, long count, DType type);

    /** The same for fp32 values. */
    default void allReduceSum(Pointer values, long count) {
        allReduceSum(values, count, DType.F32);
    }

    /**
     * Begins {@link #allReduceSum}, after the device's work so far. Sums are carried out in the order they were begun in, beside what
     * the device computes meanwhile; nothing may touch the values before {@link Pending#finish}.
     *
     * @param type F32, or BF16, whose sums are rounded to bf16
     */
    Pending startAllReduceSum(Pointer values, long count, DType type);

    /** Queues waits for sums; takes the time from what the device computed before them to what it computes next. */
    default Timed timed(Runnable waits) {
        long begin = System.nanoTime();
        waits.run();
        double seconds = (System.nanoTime() - begin) * 1e-9;
        return () -> seconds;
    }

    /** Copies {@code bytes} from rank {@code root} to all. */
    void broadcast(Pointer values, long bytes, int root);

    /** Returns when every rank has called it. */
    void barrier();

    /** Waits for a copy from the device, behind which sums may lie that other ranks have a part in. */
    default MemorySegment await(Readback readback) {
        return readback.await();
    }

    /** Whom this rank asks while it waits, and tells what it does. */
    default Lookout lookout() {
        return Lookout.NONE;
    }

    /** Does what this rank alone has to do, while others wait for it: not a sign that it hangs, however long it takes. */
    default void alone(Runnable work) {
        lookout().alone(work);
    }

    /** Said now and then in work of which ranks have different amounts, or different speed: this one is late, but gets on. */
    default void getsOn() {
        lookout().getsOn();
    }

    /** Leaves the group; every rank does, after its last call. */
    @Override
    default void close() {}
}
