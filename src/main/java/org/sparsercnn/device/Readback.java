package org.sparsercnn.device;

import java.lang.foreign.MemorySegment;

/** A copy of device memory on its way to the host; see {@link Device#read}. */
public interface Readback extends AutoCloseable {
    /** Whether it has arrived. */
    boolean isDone();

    /** Waits for it. The memory is the reader's until {@link #close}. */
    MemorySegment await();

    /** Gives the host memory back; waits for the copy if need be. */
    @Override
    void close();
}
