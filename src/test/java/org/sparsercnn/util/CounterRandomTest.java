package org.sparsercnn.util;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CounterRandomTest {
    @Test
    void aKeyAlwaysStartsTheSameStream() {
        CounterRandom a = CounterRandom.of(1, 2, 3);
        CounterRandom b = CounterRandom.of(1, 2, 3);
        for (int i = 0; i < 100; i++) {
            assertThat(a.nextLong()).isEqualTo(b.nextLong());
        }
    }

    /** Runs saved by one version continue in the next: these numbers must never change. */
    @Test
    void numbersAreFixedForEver() {
        CounterRandom random = CounterRandom.of(42, 0, 7);
        assertThat(random.nextLong()).isEqualTo(-6463969846248566344L);
        assertThat(random.nextInt(1000)).isEqualTo(740);
        assertThat(CounterRandom.of(42).permutation(6)).containsExactly(4, 3, 5, 1, 2, 0);
    }

    @Test
    void neighbouringKeysAndOrderOfWordsDiffer() {
        Set<Long> first = new HashSet<>();
        for (long seed = -3; seed <= 3; seed++) {
            for (long epoch = 0; epoch < 20; epoch++) {
                for (long image = 0; image < 20; image++) {
                    first.add(CounterRandom.of(seed, epoch, image).nextLong());
                }
            }
        }
        first.add(CounterRandom.of().nextLong());
        first.add(CounterRandom.of(0).nextLong());
        first.add(CounterRandom.of(0, 0).nextLong());
        assertThat(first).hasSize(7 * 20 * 20 + 3);
    }

    /** Chi-square over 16 cells: a wrong generator is far beyond 60 (p = 2e-7 at 15 degrees of freedom). */
    @Test
    void firstNumbersOfNeighbouringKeysAreUniform() {
        int[] ints = new int[16];
        int[] doubles = new int[16];
        int n = 16_000;
        for (int image = 0; image < n; image++) {
            CounterRandom random = CounterRandom.of(5, 0, image);
            ints[random.nextInt(16)]++;
            doubles[(int) (random.nextDouble() * 16)]++;
        }
        assertThat(chiSquare(ints, n)).isLessThan(60);
        assertThat(chiSquare(doubles, n)).isLessThan(60);
    }

    @Test
    void boundsAreKept() {
        CounterRandom random = CounterRandom.of(9);
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i < 500; i++) {
            seen.add(random.nextIntInclusive(-2, 2));
            assertThat(random.nextDouble()).isBetween(0.0, Math.nextDown(1.0));
            assertThat(random.nextInt(1)).isZero();
            assertThat(random.nextInt(Integer.MAX_VALUE)).isBetween(0, Integer.MAX_VALUE - 1);
        }
        assertThat(seen).containsExactlyInAnyOrder(-2, -1, 0, 1, 2);
        assertThatThrownBy(() -> random.nextInt(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void permutationsHoldEveryNumberAndEveryOrderOccurs() {
        int[] large = CounterRandom.of(3).permutation(1000);
        assertThat(Arrays.stream(large).sorted().toArray()).isEqualTo(IntStream.range(0, 1000).toArray());
        assertThat(CounterRandom.of(3).permutation(0)).isEmpty();
        Set<String> orders = new HashSet<>();
        for (int seed = 0; seed < 300; seed++) {
            orders.add(Arrays.toString(CounterRandom.of(seed).permutation(4)));
        }
        assertThat(orders).hasSize(24);
    }

    private static double chiSquare(int[] counts, int n) {
        double expected = (double) n / counts.length;
        return Arrays.stream(counts).mapToDouble(c -> (c - expected) * (c - expected) / expected).sum();
    }
}
