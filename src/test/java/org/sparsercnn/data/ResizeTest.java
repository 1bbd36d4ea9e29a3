package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResizeTest {
    @Test
    void sameSizeIsTheSamePicture() {
        Image image = Pictures.noise(9, 7, 1);
        assertThat(Resize.bilinear(image, 9, 7)).isSameAs(image);
    }

    @Test
    void aFlatPictureStaysFlat() {
        for (int value : new int[] {0, 1, 127, 254, 255}) {
            byte[] pixels = new byte[37 * 29 * 3];
            Arrays.fill(pixels, (byte) value);
            Image flat = new Image(37, 29, pixels);
            for (int[] size : new int[][] {{1, 1}, {400, 3}, {36, 30}, {74, 58}}) {
                for (byte pixel : Resize.bilinear(flat, size[0], size[1]).pixels()) {
                    assertThat(pixel & 0xFF).isEqualTo(value);
                }
            }
        }
    }

    /** The definition in double arithmetic without rounding in between: at most one level away. */
    @Test
    void agreesWithTheTriangleFilterInDoubles() {
        Random random = new Random(5);
        for (int round = 0; round < 12; round++) {
            Image image = Pictures.noise(1 + random.nextInt(60), 1 + random.nextInt(60), round);
            int w = 1 + random.nextInt(90);
            int h = 1 + random.nextInt(90);
            Image resized = Resize.bilinear(image, w, h);
            for (int y = 0; y < h; y++) {
                double[] down = weights(image.height(), h, y);
                for (int x = 0; x < w; x++) {
                    double[] across = weights(image.width(), w, x);
                    for (int c = 0; c < 3; c++) {
                        double sum = 0;
                        for (int j = 0; j < down.length; j++) {
                            for (int i = 0; i < across.length; i++) {
                                sum += down[j] == 0 || across[i] == 0 ? 0 : down[j] * across[i] * image.at(i, j, c);
                            }
                        }
                        assertThat(Math.abs(resized.at(x, y, c) - sum)).isLessThan(1.01);
                    }
                }
            }
        }
    }

    @Test
    void noPixelsIsAnError() {
        assertThatThrownBy(() -> Resize.bilinear(Pictures.noise(2, 2, 0), 0, 5)).isInstanceOf(IllegalArgumentException.class);
    }

    private static double[] weights(int in, int out, int at) {
        double scale = (double) in / out;
        double half = Math.max(1, scale);
        double center = (at + 0.5) * scale;
        double[] w = new double[in];
        Arrays.setAll(w, i -> Math.max(0, 1 - Math.abs(i + 0.5 - center) / half));
        double total = Arrays.stream(w).sum();
        Arrays.setAll(w, i -> w[i] / total);
        return w;
    }
}
