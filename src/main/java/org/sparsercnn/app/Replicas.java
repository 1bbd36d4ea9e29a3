package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** The same work by several ranks of this process, one thread each. The first failure ends them all. */
final class Replicas {
    private final Groups groups;
    private final List<Throwable> failures = new ArrayList<>();

    private Replicas(Groups groups) {
        this.groups = groups;
    }

    /**
     * Returns when every rank is done; no thread is left behind.
     *
     * @param groups told of the first failure; the ranks join it by themselves
     * @param work what each rank does, given its number
     * @throws RuntimeException what the first rank to fail threw
     */
    static void run(int count, Groups groups, IntConsumer work) {
        Replicas replicas = new Replicas(groups);
        // Rank 0 too: a device may pin the thread it is used by, and the caller's should stay free.
        List<Thread> threads = new ArrayList<>();
        for (int r = 0; r < count; r++) {
            int rank = r;
            threads.add(Thread.ofPlatform().name("replica-" + rank).start(() -> replicas.guarded(() -> work.accept(rank))));
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
            groups.abort();
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
