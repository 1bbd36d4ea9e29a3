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

    /** Two plain passes, a pixel at a time, in the fixed-point arithmetic of Pillow: equal to the last bit. */
    @Test
    void equalsThePlainDefinition() {
        Random random = new Random(8);
        int[][] shapes = {{1, 1, 7, 5}, {2, 3, 2, 9}, {97, 41, 1, 1}, {3, 200, 50, 4}, {400, 3, 33, 3}, {64, 48, 64, 31}, {64, 48, 65, 48}, {500, 2, 3, 300}};
        for (int round = 0; round < 60; round++) {
            int[] s = round < shapes.length ? shapes[round] : random.ints(4, 1, 90).toArray();
            Image image = Pictures.noise(s[0], s[1], round);
            if (round % 3 == 0) { // extremes: the largest sums there are
                for (int i = 0; i < image.pixels().length; i++) {
                    image.pixels()[i] = (byte) (round % 2 == 0 ? 255 : random.nextInt(2) * 255);
                }
            }
            Image wide = new Image(s[2], s[1], plainPass(image.pixels(), s[1], s[0], 3, s[2]));
            byte[] expected = plainPass(wide.pixels(), 1, s[1], 3 * s[2], s[3]);
            assertThat(Arrays.mismatch(Resize.bilinear(image, s[2], s[3]).pixels(), expected)).as(Arrays.toString(s)).isEqualTo(-1);
        }
    }

    /** (outer, in, inner) bytes to (outer, out, inner), each output a weighted sum along the middle axis. */
    private static byte[] plainPass(byte[] from, int outer, int in, int inner, int out) {
        byte[] to = new byte[outer * out * inner];
        double scale = (double) in / out;
        double support = Math.max(1, scale);
        for (int i = 0; i < out; i++) {
            double center = (i + 0.5) * scale;
            int first = Math.max(0, (int) (center - support + 0.5));
            int n = Math.min(in, (int) (center + support + 0.5)) - first;
            double[] w = new double[n];
            Arrays.setAll(w, k -> Math.max(0, 1 - Math.abs((k + first - center + 0.5) * (1 / support))));
            double total = 0;
            for (double v : w) {
                total += v;
            }
            for (int o = 0; o < outer; o++) {
                for (int c = 0; c < inner; c++) {
                    long sum = 1 << 21;
                    for (int k = 0; k < n; k++) {
                        sum += (long) (int) (0.5 + w[k] / total * (1 << 22)) * (from[(o * in + first + k) * inner + c] & 0xFF);
                    }
                    to[(o * out + i) * inner + c] = (byte) Math.max(0, Math.min(255, sum >> 22));
                }
            }
        }
        return to;
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
