package org.sparsercnn.benchmarks.scale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.sparsercnn.benchmarks.scale.Layers.Group;

class PlanTest {
    private static final Layers LAYERS = new Layers(List.of(
            new Group("frozen", 1000, 0, 1e9, 0), new Group("body", 1000, 1000, 1e9, 2e9), new Group("head 1", 3000, 3000, 1e9, 1e9)));
    /** 4,000 bytes a second, whatever their number: all gradients of {@link #LAYERS} take 4 s. */
    private static final AllReduce LINE = (bytes, n) -> n == 1 ? 0 : bytes / 4000;

    /** Three seconds of forward and three of backward, of which the first is the head's. */
    private static Plan plan(double jitter, long bucketBytes, AllReduce link) {
        return new Plan(LAYERS, 2, 3, 0.5, bucketBytes, 4, jitter, link);
    }

    @Test
    void oneGpuOnlyComputes() {
        for (boolean overlap : new boolean[] {false, true}) {
            Step alone = plan(0.02, 4000, LINE).step(1, overlap);
            assertThat(alone).isEqualTo(new Step(6.5, 0, 0, 0));
            assertThat(plan(0.02, 4000, LINE).efficiency(1, overlap)).isEqualTo(1);
        }
    }

    @Test
    void withoutOverlapAStepIsComputeAndSums() {
        Step step = plan(0, 1000, LINE).step(2, false);
        assertThat(step.sums()).isCloseTo(4, within(1e-9));
        assertThat(step.seconds()).isEqualTo(step.compute() + step.sums());
    }

    @Test
    void aLinkWithoutLimitsCostsNothing() {
        Plan free = plan(0, 1000, (bytes, n) -> AllReduce.ring(bytes, n, Double.POSITIVE_INFINITY, 0));
        assertThat(free.efficiency(1024, false)).isEqualTo(1);
        assertThat(free.efficiency(1024, true)).isEqualTo(1);
        assertThat(free.imagesPerSecond(1024, true)).isCloseTo(1024 * 2 / 6.5, within(1e-9));
    }

    /**
     * Four buckets of 4,000 bytes, a second each. Three are of the head, complete after 1/3, 2/3 and 1 s; the body's after 3 s. The
     * first three sums end at 4/3, 7/3 and 10/3 s, so the last ends at 13/3 s: 4/3 s after backward.
     */
    @Test
    void theTimelineByHand() {
        Step step = plan(0, 4000, LINE).step(2, true);
        assertThat(step.exposed()).isCloseTo(4.0 / 3, within(1e-9));
        assertThat(step.seconds()).isCloseTo(6.5 + 4.0 / 3, within(1e-9));
    }

    /** One bucket is complete when backward is, so nothing hides. */
    @Test
    void oneBucketHidesNothing() {
        assertThat(plan(0, 1 << 20, LINE).step(2, true).exposed()).isCloseTo(4, within(1e-9));
    }

    @Test
    void bytesThatComeEarlyHideBetter() {
        Plan early = plan(0, 100, LINE);
        double exposed = early.step(2, true).exposed();
        assertThat(exposed).isLessThan(early.withLayers(LAYERS.evenly()).step(2, true).exposed());
        assertThat(early.withLayers(LAYERS.evenly()).step(2, true).exposed())
                .isLessThan(early.withLayers(LAYERS.headsLast()).step(2, true).exposed());
        assertThat(early.withLayers(LAYERS.headsLast()).gradientBytes()).isEqualTo(early.gradientBytes());
    }

    @Test
    void halfTheBytesHalfTheSums() {
        assertThat(plan(0, 1000, LINE).withValues(2).step(2, false).sums()).isCloseTo(2, within(1e-9));
    }

    @Test
    void everybodyWaitsForTheSlowest() {
        assertThat(plan(0.1, 1000, LINE).step(2, true).waiting()).isCloseTo(6.5 * 0.1 / Math.sqrt(Math.PI), within(1e-4));
    }

    @Test
    void moreGpusMoreImagesLessEfficiency() {
        for (Links link : Links.values()) {
            Plan plan = plan(0.02, 1000, link.cluster(Cluster.Algorithm.best));
            for (boolean overlap : new boolean[] {false, true}) {
                assertThat(Stream.of(1024, 256, 64, 16, 8, 2, 1).map(n -> plan.efficiency(n, overlap))).isSorted();
                assertThat(Stream.of(1, 2, 8, 16, 64, 256, 1024).map(n -> plan.imagesPerSecond(n, overlap))).isSorted();
            }
            assertThat(plan.efficiency(64, true)).isGreaterThan(plan.efficiency(64, false));
            assertThat(plan.withBatch(16).efficiency(64, true)).isGreaterThan(plan.efficiency(64, true));
        }
    }
}
