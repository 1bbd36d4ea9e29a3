package org.sparsercnn.app;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The same work by several ranks of this process, one thread each. The first failure ends them all. */
public final class Replicas {
    /** What each rank does. */
    @FunctionalInterface
    public interface Work {
        /**
         * @param rank its number
         * @param failed to be told of a failure before the rank leaves its group, since that may wait for sums the others will not join
         */
        void run(int rank, Consumer<Throwable> failed);
    }

    private final Groups groups;
    private final List<Throwable> failures = new ArrayList<>();

    private Replicas(Groups groups) {
        this.groups = groups;
    }

    /**
     * Returns when every rank is done; no thread is left behind.
     *
     * @param groups told of a failure; the ranks join by themselves
     * @throws RuntimeException what the first rank to fail threw
     */
    public static void run(int count, Groups groups, Work work) {
        Replicas replicas = new Replicas(groups);
        // Rank 0 too: a device may pin the thread it is used by, and the caller's should stay free.
        List<Thread> threads = new ArrayList<>();
        for (int r = 0; r < count; r++) {
            int rank = r;
            threads.add(Thread.ofPlatform().name("replica-" + rank).start(() -> replicas.guarded(rank, work)));
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

    private void guarded(int rank, Work work) {
        try {
            work.run(rank, this::failed);
        } catch (Throwable e) {
            failed(e);
        }
    }

    private void failed(Throwable e) {
        synchronized (failures) {
            if (!failures.contains(e)) {
                failures.add(e);
            }
        }
        groups.abort();
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
