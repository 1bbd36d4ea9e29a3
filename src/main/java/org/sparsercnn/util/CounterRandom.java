package org.sparsercnn.util;

/**
 * Random numbers addressed by a key, not by history: {@code of(seed, epoch, imageId)} always starts the same stream,
 * whichever thread asks and in whatever order. Data augmentation draws from it, so a run repeats for any number of
 * workers and continues exactly after a resume.
 *
 * <p>The generator is SplitMix64 (Steele, Lea, Flood 2014): number {@code i} is {@code mix(key + i * GOLDEN)}. The key is
 * a hash of the given words; two different keys give streams that are independent for all practical purposes. Not for
 * secrets. An object belongs to one thread.
 */
public final class CounterRandom {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L; // 2^64 / golden ratio: the Weyl increment of SplitMix64

    private long state;

    private CounterRandom(long key) {
        this.state = key;
    }

    /** The stream of these words; their number and order count. */
    public static CounterRandom of(long... words) {
        long key = mix(words.length);
        for (long word : words) {
            key = mix((key ^ word) + GOLDEN);
        }
        return new CounterRandom(key);
    }

    /** 64 uniform bits. */
    public long nextLong() {
        state += GOLDEN;
        return mix(state);
    }

    /** Uniform in [0, 1), 53 bits. */
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }

    /** Uniform in [0, bound), without bias; {@code bound} must be positive. */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound must be positive, is " + bound);
        }
        // Lemire 2019: the high word of a 32x32 product, rejecting the few low words that would favour small results.
        long product = (nextLong() >>> 32) * bound;
        if ((product & 0xFFFFFFFFL) < bound) {
            long unfair = (1L << 32) % bound;
            while ((product & 0xFFFFFFFFL) < unfair) {
                product = (nextLong() >>> 32) * bound;
            }
        }
        return (int) (product >>> 32);
    }

    /** Uniform in [low, high], both ends included. */
    public int nextIntInclusive(int low, int high) {
        return low + nextInt(Math.addExact(Math.subtractExact(high, low), 1));
    }

    /** A uniform permutation of 0 … n-1 (Fisher–Yates). */
    public int[] permutation(int n) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            int j = nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /** Stafford's variant 13 of the 64-bit finaliser: every input bit changes half of the output bits. */
    public static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
