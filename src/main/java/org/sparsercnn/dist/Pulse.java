package org.sparsercnn.dist;

import java.util.concurrent.TimeUnit;
import org.sparsercnn.device.Lookout;

/** What one rank is doing, as the watch sees it: in which of its calls to the others it is, and for how long. */
final class Pulse implements Lookout {
    /**
     * @param calls for the others so far
     * @param waitingMillis in the last one; -1: it is done
     * @param aloneMillis of work that the others expect to take its time; -1: none
     * @param stillMillis since it last showed that it gets on
     */
    record State(long calls, long waitingMillis, long aloneMillis, long stillMillis) {
        boolean isWaiting() {
            return waitingMillis >= 0;
        }

        boolean isAlone() {
            return aloneMillis >= 0;
        }
    }

    private static final long NO = Long.MIN_VALUE;

    private final Watch watch;
    private volatile long calls;
    private volatile long waitingSince = NO;
    /** Until the run has begun, ranks load data and weights, each as fast as it can. */
    private volatile long aloneSince = System.nanoTime();
    private volatile long gotOnAt = System.nanoTime();

    Pulse(Watch watch) {
        this.watch = watch;
    }

    /** By the rank's thread, which is the only one to write. */
    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate")
    public void call() {
        calls++;
        getsOn();
    }

    @Override
    public Wait begin() {
        watch.check();
        waitingSince = System.nanoTime();
        gotOnAt = waitingSince;
        return new Wait() {
            @Override
            public void check() {
                watch.check();
            }

            @Override
            public void close() {
                waitingSince = NO;
                getsOn();
            }
        };
    }

    @Override
    public void alone(Runnable work) {
        long before = aloneSince;
        aloneSince = System.nanoTime();
        try {
            work.run();
        } finally {
            getsOn();
            aloneSince = before;
        }
    }

    @Override
    public void getsOn() {
        gotOnAt = System.nanoTime();
    }

    /** The run has begun. */
    void begun() {
        getsOn();
        aloneSince = NO;
    }

    State state() {
        return new State(calls, millis(waitingSince), millis(aloneSince), millis(gotOnAt));
    }

    private static long millis(long since) {
        return since == NO ? -1 : TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since);
    }
}
