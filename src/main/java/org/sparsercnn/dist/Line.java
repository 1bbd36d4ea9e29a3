package org.sparsercnn.dist;

import java.time.Duration;

/** What connects the watches of a run's processes. */
interface Line extends AutoCloseable {
    /** From now on {@code watch} hears of the others. */
    void open(Watch watch);

    /** This process's rank lives, and what it does. */
    void beat(int rank, Pulse.State state);

    /** The run has failed: to all who can be reached. Returns at once. */
    void tell(Failure failure);

    /** After a failure: waits until the others have noted it too, but no longer than that. */
    void part(Duration patience);

    /** This process has done its part. */
    @Override
    void close();
}
