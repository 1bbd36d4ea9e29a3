package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.InputConfig;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

class DatasetMapperTest {
    private static final Path SCENE = Pictures.resource("golden/image/scene_96x128.png");
    private static final InputConfig CROPPING = Pictures.input(List.of(64, 80, 96), 120, true);

    @Test
    void whatIsDrawnDependsOnSeedEpochAndImageAlone() {
        ImageRecord record = Pictures.record(SCENE, 128, 96, 3, 4, 40, 50);
        DatasetMapper one = DatasetMapper.forTraining(CROPPING, 11);
        DatasetMapper two = DatasetMapper.forTraining(CROPPING, 11);
        one.map(record, 5); // history does not matter
        Set<List<Transform>> drawn = new HashSet<>();
        for (long epoch = 0; epoch < 12; epoch++) {
            Sample a = one.map(record, epoch);
            Sample b = two.map(record, epoch);
            assertThat(a.transforms()).isEqualTo(b.transforms());
            assertThat(a.image().pixels()).isEqualTo(b.image().pixels());
            assertThat(a.boxesXyxyPx()).isEqualTo(b.boxesXyxyPx());
            drawn.add(a.transforms());
        }
        assertThat(drawn).hasSizeGreaterThan(5);
        assertThat(DatasetMapper.forTraining(CROPPING, 12).map(record, 0).transforms())
                .isNotEqualTo(one.map(record, 0).transforms());
    }

    @Test
    void halfOfThePicturesAreCroppedBetweenTwoScalings() {
        DatasetMapper mapper = DatasetMapper.forTraining(CROPPING, 1);
        int cropped = 0;
        for (int i = 0; i < 400; i++) {
            List<Transform> drawn = mapper.draw(new ImageSize(640, 480), CounterRandom.of(i));
            if (drawn.size() == 4) {
                cropped++;
                assertThat(((Transform.Scale) drawn.get(1)).newHeight()).isIn(400, 500, 600);
                Transform.Crop crop = (Transform.Crop) drawn.get(2);
                Transform.Scale last = (Transform.Scale) drawn.get(3);
                assertThat(new ImageSize(last.width(), last.height())).isEqualTo(new ImageSize(crop.width(), crop.height()));
            } else {
                assertThat(drawn).hasSize(2).last().isInstanceOf(Transform.Scale.class);
            }
        }
        assertThat(cropped).isBetween(150, 250);
    }

    @Test
    void bothFlipsAreDrawnIndependently() {
        InputConfig input = CROPPING;
        InputConfig both = new InputConfig("RGB", input.minSizeTrain(), "choice", 120, 120, 200, "both",
                new InputConfig.Crop(false, "absolute_range", List.of(384.0, 600.0)));
        DatasetMapper mapper = DatasetMapper.forTraining(both, 1);
        Set<List<Transform>> flips = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            flips.add(mapper.draw(new ImageSize(40, 30), CounterRandom.of(i)).subList(0, 2));
        }
        assertThat(flips).hasSize(4);
    }

    @Test
    void crowdOutsideAndEmptyBoxesAreDropped() {
        ImageRecord record = Pictures.record(SCENE, 128, 96, 3, 4, 40, 50, 10, 10, 20, 20, 100, 10, 10, 10, 8, 8, 0, 5);
        record.crowd()[1] = true;
        List<Transform> leftHalf = List.of(new Transform.Crop(0, 0, 64, 96));
        Sample sample = DatasetMapper.forTraining(CROPPING, 0).map(record, leftHalf);
        assertThat(sample.classes()).containsExactly(0);
        assertThat(sample.boxesXyxyPx()).containsExactly(3, 4, 43, 54);
        assertThat(sample.original()).isEqualTo(new ImageSize(128, 96));
    }

    @Test
    void noBoxesIsAnOrdinaryPicture() {
        Sample sample = DatasetMapper.forTraining(CROPPING, 0).map(Pictures.record(SCENE, 128, 96), 0);
        assertThat(sample.boxesXyxyPx()).isEmpty();
        assertThat(sample.classes()).isEmpty();
    }

    @Test
    void bgrIsTheSamePictureWithChannelsExchanged() {
        InputConfig rgb = CROPPING;
        InputConfig bgr = new InputConfig("BGR", rgb.minSizeTrain(), "choice", 120, 120, 200, "none", rgb.crop());
        ImageRecord record = Pictures.record(SCENE, 128, 96);
        Sample a = DatasetMapper.forInference(rgb).map(record, 0);
        Sample b = DatasetMapper.forInference(bgr).map(record, 0);
        assertThat(b.image().swapRedBlue().pixels()).isEqualTo(a.image().pixels());
        assertThat(b.image().pixels()).isNotEqualTo(a.image().pixels());
    }

    @Test
    void aPictureWithoutRecordIsPreparedTheSameWay() {
        DatasetMapper mapper = DatasetMapper.forInference(CROPPING);
        Sample a = mapper.map(ImageDecoder.read(SCENE), 7, SCENE);
        Sample b = mapper.map(Pictures.record(SCENE, 128, 96), 0);
        assertThat(a.image().pixels()).isEqualTo(b.image().pixels());
        assertThat(a.transforms()).isEqualTo(b.transforms());
    }

    @Test
    void sizeOtherThanAnnotated() {
        DatasetMapper mapper = DatasetMapper.forInference(CROPPING);
        assertThatThrownBy(() -> mapper.map(Pictures.record(SCENE, 130, 96), 0)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("scene_96x128.png", "128x96", "130x96", "image id 7");
    }

    /** detectron2 compares the annotated size with the upright picture. */
    @Test
    void sizeOfTheStoredInsteadOfTheUprightPicture() {
        Path turned = Pictures.resource("golden/image/exif6.jpg");
        DatasetMapper mapper = DatasetMapper.forInference(CROPPING);
        assertThat(mapper.map(Pictures.record(turned, 41, 60), 0).original()).isEqualTo(new ImageSize(41, 60));
        assertThatThrownBy(() -> mapper.map(Pictures.record(turned, 60, 41), 0)).isInstanceOf(BadInput.class)
                .hasMessageContainingAll("exif6.jpg", "41x60", "60x41", "EXIF");
    }

    @Test
    void missingFileIsNamed() {
        assertThatThrownBy(() -> DatasetMapper.forInference(CROPPING).map(Pictures.record(Path.of("gone.jpg"), 4, 4), 0))
                .isInstanceOf(BadInput.class).hasMessageContaining("gone.jpg");
    }
}
