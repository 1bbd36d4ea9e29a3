package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;

class SamplerTest {
    private static final IntPredicate EVERY_THIRD_IS_WIDE = index -> index % 3 == 0;

    @Test
    void everyEpochHasEveryImageOnceInItsOwnOrder() {
        TrainingSampler sampler = new TrainingSampler(50, 4);
        List<List<Integer>> orders = new ArrayList<>();
        for (int epoch = 0; epoch < 4; epoch++) {
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                Draw draw = sampler.at(epoch * 50L + i);
                assertThat(draw.epoch()).isEqualTo(epoch);
                order.add(draw.index());
            }
            assertThat(order).containsExactlyInAnyOrderElementsOf(IntStream.range(0, 50).boxed().toList());
            orders.add(order);
        }
        assertThat(orders).doesNotHaveDuplicates();
    }

    @Test
    void thePlaceInTheStreamIsAllTheState() {
        TrainingSampler walked = new TrainingSampler(7, 1);
        for (long position = 0; position < 100; position++) {
            assertThat(new TrainingSampler(7, 1).at(position)).isEqualTo(walked.at(position));
        }
        assertThat(IntStream.range(0, 100).mapToObj(new TrainingSampler(7, 2)::at).toList())
                .isNotEqualTo(IntStream.range(0, 100).mapToObj(new TrainingSampler(7, 1)::at).toList());
    }

    @Test
    void noImages() {
        assertThatThrownBy(() -> new TrainingSampler(0, 1)).isInstanceOf(BadInput.class).hasMessageContaining("DATASETS.TRAIN");
    }

    @Test
    void batchesHoldOneShapeAndLoseNoImage() {
        AspectRatioGrouping batches = grouping(4, 0, 1);
        List<Draw> seen = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            List<Draw> batch = batches.next();
            assertThat(batch).hasSize(4);
            assertThat(batch.stream().map(d -> EVERY_THIRD_IS_WIDE.test(d.index())).distinct()).hasSize(1);
            seen.addAll(batch);
        }
        assertThat(seen).doesNotHaveDuplicates();
        // what was taken from the stream and is not yet in a batch waits in a bucket: at most 3 in each
        TrainingSampler sampler = new TrainingSampler(20, 9);
        List<Draw> stream = IntStream.range(0, 246).mapToObj(sampler::at).toList();
        assertThat(stream).containsAll(seen);
        assertThat(seen).containsAll(stream.subList(0, 200));
    }

    @Test
    void withoutGroupingBatchesAreTheStream() {
        AspectRatioGrouping batches = new AspectRatioGrouping(new TrainingSampler(20, 9), _ -> false, 4, 0, 1);
        TrainingSampler sampler = new TrainingSampler(20, 9);
        for (int b = 0; b < 30; b++) {
            int first = 4 * b;
            assertThat(batches.next()).isEqualTo(IntStream.range(first, first + 4).mapToObj(sampler::at).toList());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void replicasTogetherTrainOnWhatOneWouldTrainOn(int world) {
        AspectRatioGrouping whole = grouping(4, 0, 1);
        List<AspectRatioGrouping> ranks = IntStream.range(0, world).mapToObj(rank -> grouping(4, rank, world)).toList();
        for (int step = 0; step < 40; step++) {
            List<Draw> together = new ArrayList<>();
            ranks.forEach(rank -> together.addAll(rank.next()));
            assertThat(together).isEqualTo(whole.next());
        }
    }

    @Test
    void skippingIsResuming() {
        AspectRatioGrouping straight = grouping(4, 0, 1);
        for (int i = 0; i < 37; i++) {
            straight.next();
        }
        AspectRatioGrouping resumed = grouping(4, 0, 1).skip(37);
        for (int i = 0; i < 20; i++) {
            assertThat(resumed.next()).isEqualTo(straight.next());
        }
    }

    @Test
    void overADataSetWideMeansWiderThanHigh() {
        List<ImageRecord> images = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            int width = i % 3 == 0 ? 20 : i % 3 == 1 ? 10 : 15;
            images.add(Pictures.record(java.nio.file.Path.of("x.jpg"), width, 15)); // wide, upright, square: square is upright
        }
        AspectRatioGrouping grouped = AspectRatioGrouping.over(images, true, 3, 2, 0, 1);
        for (int i = 0; i < 30; i++) {
            assertThat(grouped.next().stream().map(d -> d.index() % 3 == 0).distinct()).hasSize(1);
        }
        AspectRatioGrouping mixed = AspectRatioGrouping.over(images, false, 3, 2, 0, 1);
        TrainingSampler sampler = new TrainingSampler(30, 3);
        assertThat(mixed.next()).containsExactly(sampler.at(0), sampler.at(1));
    }

    @Test
    void aBatchMustDivideAmongTheReplicas() {
        assertThatThrownBy(() -> grouping(4, 0, 3)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("IMS_PER_BATCH", "4", "3");
    }

    @Test
    void inferenceSharesCoverEveryImageOnceInOrder() {
        for (int size : new int[] {0, 1, 2, 7, 8, 9, 100}) {
            for (int world = 1; world <= 9; world++) {
                List<Integer> seen = new ArrayList<>();
                int[] shares = new int[world];
                for (int rank = 0; rank < world; rank++) {
                    InferenceSampler sampler = new InferenceSampler(size, rank, world);
                    sampler.batches(3).forEachRemaining(batch -> {
                        assertThat(batch).hasSizeBetween(1, 3);
                        batch.forEach(draw -> seen.add(draw.index()));
                    });
                    shares[rank] = sampler.end() - sampler.begin();
                }
                assertThat(seen).isEqualTo(IntStream.range(0, size).boxed().toList());
                assertThat(Arrays.stream(shares).max().getAsInt() - Arrays.stream(shares).min().getAsInt()).isLessThanOrEqualTo(1);
            }
        }
    }

    private static AspectRatioGrouping grouping(int batch, int rank, int world) {
        return new AspectRatioGrouping(new TrainingSampler(20, 9), EVERY_THIRD_IS_WIDE, batch, rank, world);
    }
}
