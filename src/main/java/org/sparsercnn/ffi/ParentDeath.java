package org.sparsercnn.ffi;

import java.time.Duration;

/**
 * Ends this process with the one that started it, whatever that one died of. Called by the jar's launcher in the process
 * it continues in.
 */
public final class ParentDeath {
    private static final int KILLED = 128 + 9;
    private static final Duration PERIOD = Duration.ofMillis(500);

    private ParentDeath() {}

    /**
     * The kernel does it at once where it can, but it counts the end of the parent's <i>thread</i>, forgets when a privileged
     * program is started, and knows nothing of a parent that was gone before we asked. So the parent's id is looked at as
     * well, now and then.
     *
     * @param parent the process id that must be our parent's
     */
    public static void dieWith(long parent) {
        Libc.killMeWithMyParent();
        endUnlessChildOf(parent);
        Thread.ofPlatform().daemon().name("parent-death").start(() -> {
            while (true) {
                endUnlessChildOf(parent);
                try {
                    Thread.sleep(PERIOD);
                } catch (InterruptedException e) {
                    return; // nobody interrupts this thread but a JVM that ends
                }
            }
        });
    }

    private static void endUnlessChildOf(long parent) {
        long now = ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(-1L);
        if (now != parent) Runtime.getRuntime().halt(KILLED);
    }
}
