package org.sparsercnn.device;

/**
 * Counter-based random numbers: a kernel computes element i of a draw from (seed, counter + i) alone, so a result depends
 * neither on threads nor on the device. The state is two numbers, which checkpoints keep.
 */
public final class Rng {
    private final long seed;
    private long counter;

    public Rng(long seed) {
        this.seed = seed;
    }

    public long seed() {
        return seed;
    }

    public long counter() {
        return counter;
    }

    /** Goes on from {@code counter}. */
    public void restore(long counter) {
        this.counter = counter;
    }

    /** Reserves {@code n} numbers and returns the counter of the first. */
    public long reserve(long n) {
        long first = counter;
        counter += n;
        return first;
    }
}
