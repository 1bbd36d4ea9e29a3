package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.sparsercnn.device.Collective;
import org.sparsercnn.dist.LocalGroup;

/** The same work by several ranks of this process, one thread each. The first failure ends them all. */
final class Replicas {
    /** PyTorch's default for its process groups: longer than any honest difference between ranks. */
    private static final int TIMEOUT_SECONDS = 1800;

    private final LocalGroup group;
    private final List<Throwable> failures = new ArrayList<>();

    private Replicas(int count) {
        group = new LocalGroup(count, TIMEOUT_SECONDS);
    }

    /**
     * Returns when every rank is done; no thread is left behind.
     *
     * @param work what each rank does, given its place in the group
     * @throws RuntimeException what the first rank to fail threw
     */
    static void run(int count, Consumer<Collective> work) {
        Replicas replicas = new Replicas(count);
        // Rank 0 too: a device may pin the thread it is used by, and the caller's should stay free.
        List<Thread> threads = new ArrayList<>();
        for (int rank = 0; rank < count; rank++) {
            Collective member = replicas.group.member(rank);
            threads.add(Thread.ofPlatform().name("replica-" + rank).start(() -> replicas.guarded(() -> work.accept(member))));
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) { // the ranks must not be left behind, so they are told, and waited for
                    interrupted = true;
                    threads.forEach(Thread::interrupt);
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        replicas.rethrow();
    }

    private void guarded(Runnable body) {
        try {
            body.run();
        } catch (Throwable e) {
            synchronized (failures) {
                failures.add(e);
            }
            group.abort();
        }
    }

    /** The first failure is the cause; the others are ranks that waited in vain for the one that failed. */
    private void rethrow() {
        if (!failures.isEmpty()) {
            switch (failures.getFirst()) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }
    }
}
