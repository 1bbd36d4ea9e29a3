package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class TransformTest {
    @RepeatedTest(20)
    void flippedTwiceIsTheOriginal(RepetitionInfo info) {
        Random random = new Random(info.getCurrentRepetition());
        Image image = Pictures.noise(1 + random.nextInt(40), 1 + random.nextInt(40), random.nextLong());
        double[] boxes = {random.nextInt(20), random.nextInt(20), 20 + random.nextInt(20), 20 + random.nextInt(20)};
        for (Transform flip : List.of(new Transform.HorizontalFlip(image.width()), new Transform.VerticalFlip(image.height()))) {
            assertThat(flip.apply(flip.apply(image)).pixels()).isEqualTo(image.pixels());
            double[] moved = boxes.clone();
            flip.applyToBoxes(moved);
            assertThat(moved[2]).isGreaterThan(moved[0]);
            assertThat(moved[3]).isGreaterThan(moved[1]);
            flip.applyToBoxes(moved);
            assertThat(moved).isEqualTo(boxes);
        }
        assertThat(image.transpose().transpose().pixels()).isEqualTo(image.pixels());
        assertThat(image.swapRedBlue().swapRedBlue().pixels()).isEqualTo(image.pixels());
    }

    /** A white rectangle on black, through flips, crops and doublings: the box stays on the rectangle. */
    @RepeatedTest(40)
    void boxesFollowPixels(RepetitionInfo info) {
        Random random = new Random(info.getCurrentRepetition());
        int width = 30;
        int height = 24;
        int x0 = 10 + random.nextInt(5);
        int y0 = 8 + random.nextInt(4);
        int x1 = x0 + 1 + random.nextInt(5);
        int y1 = y0 + 1 + random.nextInt(4);
        byte[] pixels = new byte[width * height * 3];
        for (int y = y0; y < y1; y++) {
            for (int x = x0; x < x1; x++) {
                pixels[(y * width + x) * 3] = (byte) 255;
            }
        }
        Image image = new Image(width, height, pixels);
        double[] box = {x0, y0, x1, y1};
        for (Transform step : randomSteps(random, width, height)) {
            ImageSize promised = step.apply(new ImageSize(image.width(), image.height()));
            image = step.apply(image);
            step.applyToBoxes(box);
            assertThat(new ImageSize(image.width(), image.height())).isEqualTo(promised);
        }
        for (int y = 0; y < image.height(); y++) {
            for (int x = 0; x < image.width(); x++) {
                // doubling smears half a pixel of the original over the border
                boolean clearlyInside = x >= box[0] + 1 && x < box[2] - 1 && y >= box[1] + 1 && y < box[3] - 1;
                boolean clearlyOutside = x < box[0] - 1 || x >= box[2] + 1 || y < box[1] - 1 || y >= box[3] + 1;
                if (clearlyInside) {
                    assertThat(image.at(x, y, 0)).as("%d, %d", x, y).isEqualTo(255);
                } else if (clearlyOutside) {
                    assertThat(image.at(x, y, 0)).as("%d, %d", x, y).isZero();
                }
            }
        }
    }

    private static List<Transform> randomSteps(Random random, int width, int height) {
        List<Transform> steps = new ArrayList<>();
        int w = width;
        int h = height;
        if (random.nextBoolean()) {
            steps.add(new Transform.HorizontalFlip(w));
        }
        if (random.nextBoolean()) {
            steps.add(new Transform.VerticalFlip(h));
        }
        Transform.Crop crop = new Transform.Crop(random.nextInt(8), random.nextInt(6), w - 8, h - 6);
        steps.add(crop);
        w = crop.width();
        h = crop.height();
        if (random.nextBoolean()) {
            steps.add(new Transform.Scale(w, h, 2 * w, 2 * h));
            w *= 2;
        }
        steps.add(new Transform.HorizontalFlip(w));
        return steps;
    }

    @Test
    void cropsMustLieInside() {
        Image image = Pictures.noise(8, 6, 0);
        assertThat(image.crop(0, 0, 8, 6).pixels()).isEqualTo(image.pixels());
        assertThatThrownBy(() -> image.crop(1, 0, 8, 6)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> image.crop(0, -1, 2, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void anImageHasAsManyBytesAsItSays() {
        assertThatThrownBy(() -> new Image(2, 2, new byte[11])).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2x2").hasMessageContaining("11");
    }
}
