package org.sparsercnn.device.cuda;

import java.lang.management.ManagementFactory;

/** Bytes on the Java heap that a piece of code makes. */
final class Garbage {
    private static final int ROUNDS = 5;

    private Garbage() {}

    /** In the best of a few rounds: the compiler may still change its mind about warm code in one of them. */
    static long leastOf(Runnable warmCode) {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            warmCode.run();
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        return least;
    }
}
