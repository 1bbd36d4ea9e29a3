package org.sparsercnn.device;

/** Work that was queued once and can be queued again as it was: the same kernels on the same addresses. */
public interface Recording extends AutoCloseable {
    void replay();

    /** Gives back what it holds, the memory its work made on the way included. */
    @Override
    void close();
}
