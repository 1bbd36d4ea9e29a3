package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

class AugmentationTest {
    private static final ImageSize VGA = new ImageSize(640, 480);

    private static List<Transform> draws(Augmentation augmentation, ImageSize size, int n) {
        return IntStream.range(0, n).mapToObj(i -> augmentation.draw(size, CounterRandom.of(1, i))).toList();
    }

    @Test
    void flipsHalfOfThePictures() {
        for (RandomFlip.Direction direction : RandomFlip.Direction.values()) {
            List<Transform> drawn = draws(new RandomFlip(direction), VGA, 1000);
            Transform flip = direction == RandomFlip.Direction.HORIZONTAL ? new Transform.HorizontalFlip(640)
                    : new Transform.VerticalFlip(480);
            assertThat(drawn).containsOnly(flip, new Transform.NoOp());
            assertThat(drawn.stream().filter(flip::equals).count()).isBetween(430L, 570L);
        }
    }

    @Test
    void choiceTakesEveryLengthAndNoOther() {
        ResizeShortestEdge resize = new ResizeShortestEdge(List.of(480, 512, 800), ResizeShortestEdge.Sampling.CHOICE, 1000);
        Set<Transform> drawn = new HashSet<>(draws(resize, VGA, 200));
        assertThat(drawn).containsExactlyInAnyOrder(new Transform.Scale(640, 480, 640, 480),
                new Transform.Scale(640, 480, 683, 512), new Transform.Scale(640, 480, 1000, 750));
    }

    @Test
    void rangeTakesBothBoundsAndWhatLiesBetween() {
        ResizeShortestEdge resize = new ResizeShortestEdge(List.of(100, 103), ResizeShortestEdge.Sampling.RANGE, 1000);
        Set<Integer> heights = new HashSet<>();
        draws(resize, VGA, 200).forEach(t -> heights.add(((Transform.Scale) t).newHeight()));
        assertThat(heights).containsExactlyInAnyOrder(100, 101, 102, 103);
    }

    @Test
    void lengthZeroLeavesThePictureAsItIs() {
        assertThat(draws(ResizeShortestEdge.to(0, 1333), VGA, 1)).containsExactly(new Transform.NoOp());
    }

    @Test
    void lengthsThatCannotBe() {
        assertThatThrownBy(() -> new ResizeShortestEdge(List.of(), ResizeShortestEdge.Sampling.CHOICE, 9))
                .isInstanceOf(BadInput.class).hasMessageContaining("MIN_SIZE_TRAIN");
        assertThatThrownBy(() -> new ResizeShortestEdge(List.of(1, 2, 3), ResizeShortestEdge.Sampling.RANGE, 9))
                .isInstanceOf(BadInput.class).hasMessageContaining("MIN_SIZE_TRAIN_SAMPLING");
    }

    @Test
    void cropsLieInsideAndHaveTheirSize() {
        assertCrops(RandomCrop.Type.ABSOLUTE, 100, 900, c -> c.height() == 100 && c.width() == 640);
        assertCrops(RandomCrop.Type.ABSOLUTE_RANGE, 384, 600,
                c -> c.height() >= 384 && c.height() <= 480 && c.width() >= 384 && c.width() <= 600);
        assertCrops(RandomCrop.Type.RELATIVE, 0.5, 0.9, c -> c.height() == 240 && c.width() == 576);
        assertCrops(RandomCrop.Type.RELATIVE_RANGE, 0.5, 0.9, c -> c.height() >= 240 && c.width() >= 576);
    }

    private static void assertCrops(RandomCrop.Type type, double first, double second, Predicate<Transform.Crop> hasItsSize) {
        Set<Integer> places = new HashSet<>();
        for (Transform t : draws(new RandomCrop(type, first, second), VGA, 300)) {
            assertThat(t).isInstanceOfSatisfying(Transform.Crop.class, crop -> {
                assertThat(crop).matches(hasItsSize);
                assertThat(crop.x0()).isBetween(0, 640 - crop.width());
                assertThat(crop.y0()).isBetween(0, 480 - crop.height());
                places.add(crop.y0());
            });
        }
        assertThat(places).as("%s", type).hasSizeGreaterThan(20);
    }

    /** The bounds of the recorded rule, reached at both ends. */
    @Test
    void absoluteRangeFollowsTheRecordedRule() {
        JsonNode examples = Golden.json("image").get("crop_size_absolute_range").get("examples");
        for (JsonNode e : examples) {
            int h = e.get(0).asInt();
            int w = e.get(1).asInt();
            List<Integer> heights = new ArrayList<>();
            List<Integer> widths = new ArrayList<>();
            for (Transform t : draws(new RandomCrop(RandomCrop.Type.ABSOLUTE_RANGE, 384, 600), new ImageSize(w, h), 3000)) {
                heights.add(((Transform.Crop) t).height());
                widths.add(((Transform.Crop) t).width());
            }
            assertThat(heights).contains(Math.min(h, 384), Math.min(h, 600), e.get(2).asInt())
                    .allSatisfy(n -> assertThat(n).isBetween(Math.min(h, 384), Math.min(h, 600)));
            assertThat(widths).contains(Math.min(w, 384), Math.min(w, 600), e.get(3).asInt())
                    .allSatisfy(n -> assertThat(n).isBetween(Math.min(w, 384), Math.min(w, 600)));
        }
    }

    @Test
    void cropSizesThatCannotBe() {
        for (RandomCrop.Type type : RandomCrop.Type.values()) {
            assertThatThrownBy(() -> new RandomCrop(type, 600.5, -1)).isInstanceOf(BadInput.class)
                    .hasMessageContaining("INPUT.CROP.SIZE").hasMessageContaining("600.5");
        }
        assertThatThrownBy(() -> new RandomCrop(RandomCrop.Type.ABSOLUTE_RANGE, 600, 384)).isInstanceOf(BadInput.class);
    }
}
