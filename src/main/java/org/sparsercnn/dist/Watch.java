package org.sparsercnn.dist;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.sparsercnn.device.Lookout;

/**
 * Sees to it that a run which fails on one rank ends on all: hears of the ranks of other processes, tells of this one's, and ends the
 * waiting of this process's ranks once something has failed. A rank that does not heed that either is stuck for good, and its process
 * ends without it.
 */
final class Watch implements AutoCloseable {
    /** From a failure until a process ends, whatever its ranks do. */
    static final Duration GRACE = Duration.ofSeconds(8);
    private static final Duration LONGEST_PERIOD = Duration.ofSeconds(1);
    private static final int BEATS_PER_TIMEOUT = 10;

    private final int first;
    private final List<Pulse> pulses = new ArrayList<>();
    private final Line line;
    private final Duration period;
    /** Without a beat for so long, this process was stopped, and the others have given it up. */
    private final Duration sleep;
    private final AtomicReference<Failure> failure = new AtomicReference<>();
    private final List<Runnable> whenFailed = new CopyOnWriteArrayList<>();
    private volatile long lastBeat;
    private volatile long wokeUp;
    private volatile boolean begun;
    private volatile boolean mainLost;
    private volatile boolean givenUp;
    private volatile Thread beating;

    /**
     * @param first this process's first rank
     * @param ranks how many it has
     */
    Watch(int first, int ranks, Duration timeout, Line line) {
        this.first = first;
        this.line = line;
        for (int r = 0; r < ranks; r++) {
            pulses.add(new Pulse(this));
        }
        Duration share = timeout.dividedBy(BEATS_PER_TIMEOUT);
        this.period = share.compareTo(LONGEST_PERIOD) < 0 ? share : LONGEST_PERIOD;
        this.sleep = timeout.minus(period.multipliedBy(2));
    }

    void start() {
        lastBeat = System.nanoTime();
        wokeUp = lastBeat - sleep.toNanos();
        line.open(this);
        beating = Thread.ofPlatform().daemon().name("watch").start(this::beat);
    }

    private void beat() {
        try {
            while (true) {
                long now = System.nanoTime();
                wokeUp = now - lastBeat > sleep.toNanos() ? now : wokeUp;
                lastBeat = now;
                for (int r = 0; r < pulses.size(); r++) {
                    line.beat(first + r, pulses.get(r).state());
                }
                Thread.sleep(period);
            }
        } catch (InterruptedException _) { // closed
        }
    }

    /** For one of this process's ranks. */
    Lookout lookout(int rank) {
        return pulses.get(rank - first);
    }

    /** The run of a rank has begun: from now on nothing is refused, only stopped. */
    void begin(int rank) {
        begun = true;
        pulses.get(rank - first).begun();
    }

    boolean hasBegun() {
        return begun;
    }

    /** Done at once when the run fails, by a thread of the watch's or of the rank's that failed; also if it has failed already. */
    void whenFailed(Runnable action) {
        whenFailed.add(action);
        if (failure.get() != null) {
            action.run();
        }
    }

    /** Takes note of a failure, of whatever rank; the first one counts. */
    void fail(Failure reason) {
        if (failure.compareAndSet(null, reason)) {
            line.tell(reason);
            whenFailed.forEach(Runnable::run);
        }
    }

    /**
     * A rank of another process is lost, as far as this one can tell. One that was stopped for so long that the others must have given it up
     * finds them all gone when it wakes; what they say counts, and it says nothing.
     */
    void lost(Failure reason) {
        if (wasStopped()) {
            givenUp(Failure.lost(first, Host.name(), "its process was stopped, and the others have gone on without it"));
        } else {
            mainLost |= reason.rank() == 0 && failure.get() == null; // else it has told why
            fail(reason);
        }
    }

    /** Another process has given this one up, and speaks of it, if this one was stopped; else it may itself be cut off. */
    void givenUp(Failure reason) {
        givenUp |= failure.get() == null && wasStopped();
        fail(reason);
    }

    private boolean wasStopped() {
        long now = System.nanoTime();
        return now - lastBeat > sleep.toNanos() || now - wokeUp < sleep.toNanos();
    }

    /** Whether a rank of this process does what only it can do. */
    boolean isOneAlone() {
        return pulses.stream().anyMatch(pulse -> pulse.state().isAlone());
    }

    boolean isMainLost() {
        return mainLost;
    }

    boolean isGivenUp() {
        return givenUp;
    }

    Optional<Failure> failure() {
        return Optional.ofNullable(failure.get());
    }

    /** @throws org.sparsercnn.util.GuardStop or BadInput once the run has failed */
    void check() {
        Failure known = failure.get();
        if (known != null) {
            throw known.toException();
        }
    }

    /** The run is over. */
    @Override
    public void close() {
        Thread thread = beating;
        if (thread != null) {
            thread.interrupt();
        }
        line.close();
    }

    void part(Duration patience) {
        line.part(patience);
    }
}
