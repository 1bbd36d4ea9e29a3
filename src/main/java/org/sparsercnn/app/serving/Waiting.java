package org.sparsercnn.app.serving;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Who waits for the device, oldest first. A batch is the oldest and those behind it whose pictures are padded to the same size, so
 * that nobody is computed on a larger canvas than alone and nobody is passed over for long.
 */
final class Waiting {
    private final Set<Ticket> coming = new LinkedHashSet<>();
    private final Set<Ticket> ready = new LinkedHashSet<>();
    private boolean closed;

    /** A picture is on its way. */
    synchronized void expect(Ticket ticket) {
        coming.add(ticket);
    }

    /** It is prepared; without effect on one that was removed. */
    synchronized void ready(Ticket ticket) {
        if (coming.remove(ticket)) {
            ready.add(ticket);
            notifyAll();
        }
    }

    synchronized void remove(Ticket ticket) {
        if (coming.remove(ticket) | ready.remove(ticket)) {
            notifyAll();
        }
    }

    synchronized int length() {
        return ready.size();
    }

    /**
     * Waits for a picture, then for others of its size: until there are {@code most}, for {@code nanos} at the longest, and no longer
     * than any other is on its way.
     *
     * @return empty when this is closed and nobody waits any more
     */
    synchronized List<Ticket> take(int most, long nanos) throws InterruptedException {
        while (true) {
            while (ready.isEmpty()) {
                if (closed) {
                    return List.of();
                }
                wait();
            }
            long end = System.nanoTime() + nanos;
            List<Ticket> batch = ofOneSize(most);
            for (long left = nanos; batch.size() < most && !coming.isEmpty() && left > 0 && !closed; left = end - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
                batch = ofOneSize(most);
            }
            batch.forEach(ready::remove);
            batch.removeIf(Ticket::over);
            if (!batch.isEmpty()) {
                return batch;
            }
        }
    }

    private List<Ticket> ofOneSize(int most) {
        List<Ticket> batch = new ArrayList<>();
        for (Iterator<Ticket> all = ready.iterator(); all.hasNext() && batch.size() < most;) {
            Ticket ticket = all.next();
            if (batch.isEmpty() || ticket.prepared().size().equals(batch.getFirst().prepared().size())) {
                batch.add(ticket);
            }
        }
        return batch;
    }

    /** Those who wait already are still handed out. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
