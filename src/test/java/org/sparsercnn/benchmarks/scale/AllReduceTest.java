package org.sparsercnn.benchmarks.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparsercnn.benchmarks.scale.Cluster.Algorithm;
import org.sparsercnn.benchmarks.scale.Cluster.Link;
import org.sparsercnn.util.BadInput;

class AllReduceTest {
    private static final Link INSIDE = new Link(400e9, 2e-6);
    private static final Link BETWEEN = new Link(50e9, 10e-6);

    private static Cluster cluster(Algorithm algorithm) {
        return new Cluster(8, INSIDE, BETWEEN, 4, algorithm, 5e-6);
    }

    /** 100 MB over 8 GPUs at 100 GB/s: 2 · 7/8 · 1 ms, and 14 hops of 1 µs. */
    @Test
    void ringByHand() {
        assertThat(AllReduce.ring(100e6, 8, 100e9, 1e-6)).isCloseTo(1.75e-3 + 14e-6, within(1e-12));
        assertThat(AllReduce.ring(100e6, 2, 100e9, 1e-6)).isCloseTo(1e-3 + 2e-6, within(1e-12));
    }

    /** Twice 1 ms, and five hops up and five down with 17 to 32 GPUs. */
    @Test
    void treeByHand() {
        assertThat(AllReduce.tree(100e6, 32, 100e9, 1e-6)).isCloseTo(2e-3 + 10e-6, within(1e-12));
        assertThat(AllReduce.tree(100e6, 17, 100e9, 1e-6)).isCloseTo(2e-3 + 10e-6, within(1e-12));
    }

    @Test
    void ringsForManyBytesAndTreesForManyGpus() {
        assertThat(AllReduce.best(1e9, 8, 100e9, 1e-6)).isEqualTo(AllReduce.ring(1e9, 8, 100e9, 1e-6));
        assertThat(AllReduce.best(1e3, 1024, 100e9, 1e-6)).isEqualTo(AllReduce.tree(1e3, 1024, 100e9, 1e-6));
    }

    /** Four nodes of eight: 200 GB/s leave a node, so that 2 · 31/32 · 0.5 ms are for the bytes; 6 of 62 hops are between nodes. */
    @Test
    void oneRingThroughNodesByHand() {
        assertThat(cluster(Algorithm.ring).seconds(100e6, 32)).isCloseTo(5e-6 + 0.96875e-3 + 6 * 10e-6 + 56 * 2e-6, within(1e-12));
    }

    /** Twice 0.5 ms; down and up the chain of eight, two hops up and two down between the nodes. */
    @Test
    void treeThroughNodesByHand() {
        assertThat(cluster(Algorithm.tree).seconds(100e6, 32)).isCloseTo(5e-6 + 1e-3 + 14 * 2e-6 + 4 * 10e-6, within(1e-12));
    }

    /** Inside 2 · 7/8 · 0.25 ms and 14 hops; between the four nodes 2 · 3/4 · 0.5 ms and 6 hops. */
    @Test
    void threePartsByHand() {
        assertThat(cluster(Algorithm.hierarchical).seconds(100e6, 32))
                .isCloseTo(5e-6 + 0.4375e-3 + 14 * 2e-6 + 0.75e-3 + 6 * 10e-6, within(1e-12));
    }

    @Test
    void inOneNodeItIsARing() {
        for (Algorithm a : new Algorithm[] {Algorithm.ring, Algorithm.hierarchical, Algorithm.best}) {
            assertThat(cluster(a).seconds(100e6, 8)).isCloseTo(5e-6 + AllReduce.ring(100e6, 8, INSIDE.bytesPerSecond(), INSIDE.hopSeconds()), within(1e-12));
        }
    }

    @ParameterizedTest
    @EnumSource
    void oneGpuSumsNothingMoreBytesAndGpusTakeLonger(Algorithm algorithm) {
        Cluster c = cluster(algorithm);
        assertThat(c.seconds(1e9, 1)).isZero();
        assertThat(Stream.of(1e3, 1e6, 1e9).map(bytes -> c.seconds(bytes, 64))).isSortedAccordingTo(Double::compare).doesNotHaveDuplicates();
        assertThat(Stream.of(1, 2, 4, 8, 16, 64, 1024).map(n -> c.seconds(1e6, n))).isSorted();
        assertThat(cluster(Algorithm.best).seconds(1e6, 64)).isLessThanOrEqualTo(c.seconds(1e6, 64));
    }

    @Test
    void measuredSumsAreMetAndJoinedByLines() {
        AllReduce measured = AllReduce.measured(Map.of(4096.0, 5e-6, 1e6, 2e-4, 1e8, 5e-2));
        assertThat(measured.seconds(1e6, 2)).isEqualTo(2e-4);
        assertThat(measured.seconds(1, 2)).isEqualTo(5e-6);
        assertThat(measured.seconds((1e6 + 1e8) / 2, 2)).isCloseTo((2e-4 + 5e-2) / 2, within(1e-12));
        assertThat(measured.seconds(3e8, 2)).isCloseTo(0.15, within(1e-12));
        assertThat(measured.seconds(3e8, 1)).isZero();
        assertThatThrownBy(() -> AllReduce.measured(Map.of())).isInstanceOf(BadInput.class).hasMessageContaining("--points");
    }

    /** Tabulated means of the largest of n standard normal numbers. */
    @Test
    void theSlowestOfMany() {
        assertThat(Waiting.expectedMaximum(1)).isZero();
        assertThat(Waiting.expectedMaximum(2)).isCloseTo(1 / Math.sqrt(Math.PI), within(1e-4));
        assertThat(Waiting.expectedMaximum(10)).isCloseTo(1.53875, within(1e-3));
        assertThat(Waiting.expectedMaximum(100)).isCloseTo(2.50759, within(1e-3));
        assertThat(Waiting.expectedMaximum(1000)).isCloseTo(3.24144, within(2e-3)).isLessThan(Math.sqrt(2 * Math.log(1000)));
    }
}
