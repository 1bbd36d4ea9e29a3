package org.sparsercnn.device.cuda;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** What was made for a list of numbers, found again without garbage: {@code cache.begin().add(m).add(n).get()}. */
final class PlanCache<P> {
    private static final int MOST = 24;

    private static final class Key {
        final long[] numbers;
        int count;

        Key(long[] numbers, int count) {
            this.numbers = numbers;
            this.count = count;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && Arrays.equals(numbers, 0, count, key.numbers, 0, key.count);
        }

        @Override
        public int hashCode() {
            long hash = 0;
            for (int i = 0; i < count; i++) {
                hash = (hash ^ numbers[i]) * 0x9e3779b97f4a7c15L;
                hash ^= hash >>> 32;
            }
            return (int) hash;
        }
    }

    private final Map<Key, P> plans = new HashMap<>();
    private final Key asked = new Key(new long[MOST], 0);

    PlanCache<P> begin() {
        asked.count = 0;
        return this;
    }

    PlanCache<P> add(long number) {
        asked.numbers[asked.count++] = number;
        return this;
    }

    /** What was put for the numbers added since {@link #begin}, or null. */
    P get() {
        return plans.get(asked);
    }

    /** Keeps {@code plan} for the numbers added since {@link #begin}. */
    P put(P plan) {
        plans.put(new Key(Arrays.copyOf(asked.numbers, asked.count), asked.count), plan);
        return plan;
    }
}
