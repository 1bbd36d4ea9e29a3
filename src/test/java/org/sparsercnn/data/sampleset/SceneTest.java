package org.sparsercnn.data.sampleset;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SceneTest {
    private static final int SIZE = Layout.NOMINAL_SIZE;

    /** A change here changes every sample set: then SampleSet's version has to be raised. */
    @Test
    void picturesAreTheSameOnEveryMachine() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int i = 0; i < 12; i++) {
            Scene scene = Scene.draw(SIZE, 20211, i);
            digest.update(scene.rgb());
            for (Layout.Placed object : scene.objects()) {
                String text = object.shape() + " " + object.outline().left() + " " + object.outline().bottom();
                digest.update(text.getBytes(StandardCharsets.US_ASCII));
            }
        }
        assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo("582865d8a9a808fbf7ed0de3277f99119b4562d9ac1d85c6cc475e3a62b0aeb9");
    }

    @Test
    void indexAndSeedGiveDifferentPictures() {
        assertThat(Scene.draw(SIZE, 1, 0).rgb()).isEqualTo(Scene.draw(SIZE, 1, 0).rgb());
        assertThat(Scene.draw(SIZE, 1, 0).rgb()).isNotEqualTo(Scene.draw(SIZE, 1, 1).rgb());
        assertThat(Scene.draw(SIZE, 1, 0).rgb()).isNotEqualTo(Scene.draw(SIZE, 2, 0).rgb());
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 128, 200})
    void boxesAreTightAroundThePaintedPixels(int size) {
        for (int i = 0; i < 150; i++) {
            for (Layout.Placed object : Layout.draw(size, new SplitMix64(5, i))) {
                int[] painted = {Integer.MAX_VALUE, Integer.MAX_VALUE, -1, -1};
                object.outline().cover(size, size, (x, y, coverage) -> {
                    if (coverage > 0.02f) {
                        painted[0] = Math.min(painted[0], x);
                        painted[1] = Math.min(painted[1], y);
                        painted[2] = Math.max(painted[2], x + 1);
                        painted[3] = Math.max(painted[3], y + 1);
                    }
                });
                Polygon outline = object.outline();
                assertThat(outline.left() - painted[0]).isBetween(-1.0, 1.0);
                assertThat(outline.top() - painted[1]).isBetween(-1.0, 1.0);
                assertThat(painted[2] - outline.right()).isBetween(-1.0, 1.0);
                assertThat(painted[3] - outline.bottom()).isBetween(-1.0, 1.0);
                assertThat(outline.left()).isGreaterThanOrEqualTo(1);
                assertThat(outline.bottom()).isLessThanOrEqualTo(size - 1);
            }
        }
    }

    @Test
    void theSetHasTheSharesItPromises() {
        int pictures = 4000;
        int[] byNumber = new int[Layout.MOST_OBJECTS + 1];
        int[] byClass = new int[Shape.values().length];
        int objects = 0;
        int small = 0;
        int overlapping = 0;
        for (int i = 0; i < pictures; i++) {
            List<Layout.Placed> placed = Layout.draw(SIZE, new SplitMix64(9, i));
            byNumber[placed.size()]++;
            List<BitSet> masks = placed.stream().map(p -> p.mask(SIZE)).toList();
            for (int a = 0; a < placed.size(); a++) {
                objects++;
                byClass[placed.get(a).shape().ordinal()]++;
                small += placed.get(a).area() < 32 * 32 ? 1 : 0;
                boolean overlaps = false;
                for (int b = 0; b < placed.size(); b++) {
                    if (b != a && masks.get(a).intersects(masks.get(b))) {
                        overlaps = true;
                        BitSet common = (BitSet) masks.get(a).clone();
                        common.and(masks.get(b));
                        int smaller = Math.min(masks.get(a).cardinality(), masks.get(b).cardinality());
                        assertThat(common.cardinality()).isLessThanOrEqualTo((int) (Layout.MOST_HIDDEN * smaller) + 1);
                    }
                }
                overlapping += overlaps ? 1 : 0;
            }
        }
        for (int n = 1; n <= Layout.MOST_OBJECTS; n++) {
            assertThat((double) byNumber[n] / pictures).as("pictures of %d objects", n).isBetween(0.175, 0.225);
        }
        for (int count : byClass) {
            assertThat((double) count / objects).isBetween(0.185, 0.215);
        }
        assertThat((double) small / objects).as("small").isBetween(0.185, 0.215);
        assertThat((double) overlapping / objects).as("overlapping").isBetween(0.185, 0.215);
    }

    @Test
    void colourDoesNotTellTheClass() {
        double[][] sum = new double[Shape.values().length][3];
        double[] pixels = new double[Shape.values().length];
        for (int i = 0; i < 1200; i++) {
            Scene scene = Scene.draw(64, 11, i);
            for (Layout.Placed object : scene.objects()) {
                int k = object.shape().ordinal();
                BitSet mask = object.mask(64);
                double weight = 1.0 / mask.cardinality();
                mask.stream().forEach(p -> {
                    for (int c = 0; c < 3; c++) {
                        sum[k][c] += weight * (scene.rgb()[3 * p + c] & 255);
                    }
                });
                pixels[k] += 1;
            }
        }
        for (int c = 0; c < 3; c++) {
            double all = 0;
            for (int k = 0; k < sum.length; k++) {
                all += sum[k][c] / pixels[k] / sum.length;
            }
            for (int k = 0; k < sum.length; k++) { // a mean of 700 objects strays by 2.3 (standard deviation)
                assertThat(sum[k][c] / pixels[k]).isBetween(all - 9, all + 9);
            }
        }
    }

    @Test
    void objectsStandOutFromWhatLiesBelow() {
        int faint = 0;
        int objects = 0;
        for (int i = 0; i < 300; i++) {
            List<Layout.Placed> placed = Scene.draw(SIZE, 13, i).objects();
            byte[] rgb = Scene.draw(SIZE, 13, i).rgb();
            Layout.Placed top = placed.getLast();
            BitSet inside = top.mask(SIZE);
            Polygon o = top.outline();
            double middleX = (o.left() + o.right()) / 2;
            double middleY = (o.top() + o.bottom()) / 2;
            Polygon larger = o.transformed(1.3, 0, 0, 1.3, -0.3 * middleX, -0.3 * middleY);
            BitSet around = new Layout.Placed(top.shape(), larger).mask(SIZE);
            around.andNot(inside);
            double distance = 0;
            for (int c = 0; c < 3; c++) {
                distance += Math.pow(mean(rgb, inside, c) - mean(rgb, around, c), 2);
            }
            faint += Math.sqrt(distance) < 30 ? 1 : 0; // of 441
            objects++;
        }
        assertThat((double) faint / objects).isLessThan(0.05);
    }

    private static double mean(byte[] rgb, BitSet mask, int channel) {
        return mask.stream().mapToDouble(p -> rgb[3 * p + channel] & 255).average().orElseThrow();
    }
}
