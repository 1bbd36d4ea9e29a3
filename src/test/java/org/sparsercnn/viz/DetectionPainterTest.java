package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DetectionPainterTest {
    private static final DetectionPainter PAINTER = new DetectionPainter();

    @Test
    void onlyTheLineOfAnUnlabelledBoxIsPainted() {
        BufferedImage photo = noise(640, 480, BufferedImage.TYPE_INT_RGB);
        BufferedImage before = Pictures.rgbCopy(photo);
        BufferedImage painted = PAINTER.paint(photo, one(100, 120, 300, 260, null, Float.NaN, 4));
        assertSame(photo, before, new Rectangle());
        Rectangle outside = new Rectangle(97, 117, 207, 147); // the box, its line and the line's shadow
        assertSame(painted, photo, outside);
        Rectangle inside = new Rectangle(103, 123, 194, 134);
        assertThat(painted.getRGB(inside.x, inside.y, inside.width, inside.height, null, 0, inside.width))
                .isEqualTo(photo.getRGB(inside.x, inside.y, inside.width, inside.height, null, 0, inside.width));
        for (int x = 100; x < 300; x++) {
            assertThat(painted.getRGB(x, 120)).isEqualTo(Palette.color(4).getRGB());
            assertThat(painted.getRGB(x, 259)).isEqualTo(Palette.color(4).getRGB());
        }
        for (int y = 120; y < 260; y++) {
            assertThat(painted.getRGB(100, y)).isEqualTo(Palette.color(4).getRGB());
            assertThat(painted.getRGB(299, y)).isEqualTo(Palette.color(4).getRGB());
        }
    }

    @Test
    void aLabelIsPaintedAboveItsBoxAndNowhereElse() {
        BufferedImage photo = noise(640, 480, BufferedImage.TYPE_INT_RGB);
        BufferedImage painted = PAINTER.paint(photo, one(100, 120, 300, 260, "person", 0.93f, 4));
        int labelHeight = 18;
        assertSame(painted, photo, new Rectangle(97, 120 - labelHeight, 207, 143 + labelHeight + 1));
        int background = 0;
        int ink = 0;
        for (int y = 120 - labelHeight; y < 118; y++) {
            for (int x = 100; x < 180; x++) {
                background += painted.getRGB(x, y) == Palette.color(4).getRGB() ? 1 : 0;
                ink += (painted.getRGB(x, y) >> 16 & 255) > 128 ? 1 : 0; // white on blue
            }
        }
        assertThat(background).isGreaterThan(500);
        assertThat(ink).as("pixels of \"person 93%%\"").isBetween(120, 300);
    }

    @ParameterizedTest
    @CsvSource({"16, 16", "20, 500", "128, 128", "320, 240", "640, 480", "1920, 1080", "4000, 3000", "8000, 6000"})
    void linesAndLettersAreLegibleAtEverySize(int width, int height) {
        int factor = PAINTER.magnification(width, height);
        int w = width * factor;
        int h = height * factor;
        assertThat(Math.max(w, h)).isGreaterThanOrEqualTo(320);
        double cap = DetectionPainter.capHeight(w, h);
        assertThat(cap).isGreaterThanOrEqualTo(9);
        // Seen at 1,000 pixels' width the letters must still be 8 pixels high, and never fill the picture.
        assertThat(cap * Math.min(1, 1000 / Math.sqrt((double) w * h))).isGreaterThanOrEqualTo(8);
        assertThat(cap).isLessThan(0.03 * Math.max(w, h) + 1);
        assertThat(DetectionPainter.lineWidth(w, h)).isBetween(2, Math.max(2, Math.max(w, h) / 250));
    }

    @Test
    void aThumbnailIsMagnifiedToBlocksOfItsPixels() {
        BufferedImage thumbnail = noise(16, 12, BufferedImage.TYPE_INT_RGB);
        BufferedImage painted = PAINTER.paint(thumbnail, one(2, 3, 7, 8, null, Float.NaN, 0));
        assertThat(painted.getWidth()).isEqualTo(320);
        assertThat(painted.getHeight()).isEqualTo(240);
        assertSame(painted, Pictures.magnify(thumbnail, 20), new Rectangle(37, 57, 106, 106));
        assertThat(painted.getRGB(40, 100)).isEqualTo(Palette.color(0).getRGB());
        BufferedImage kept = new DetectionPainter(0, false).paint(thumbnail, one(2, 3, 7, 8, "person", 1, 0));
        assertThat(kept.getWidth()).isEqualTo(16);
    }

    @Test
    void unusableBoxesLeaveThePictureAsItIs() {
        BufferedImage photo = noise(400, 300, BufferedImage.TYPE_INT_RGB);
        float[] boxes = {
            Float.NaN, 0, 10, 10,
            50, 50, 50, 90,
            90, 50, 60, 90,
            500, 10, 600, 20,
            -90, -90, -5, -5,
            0, Float.NaN, Float.NaN, 5
        };
        String[] labels = {"a", "b", "c", "d", "e", "f"};
        assertSame(PAINTER.paint(photo, BoxLayer.groundTruth(boxes, labels, new int[6])), photo, new Rectangle());
        assertSame(PAINTER.paint(photo), photo, new Rectangle());
    }

    @Test
    void aBoxBeyondTheBorderKeepsItsWholeLine() {
        BufferedImage photo = noise(640, 480, BufferedImage.TYPE_INT_RGB);
        BufferedImage painted = PAINTER.paint(photo, one(-50, -1e30f, Float.POSITIVE_INFINITY, 900, null, Float.NaN, 2));
        int color = Palette.color(2).getRGB();
        for (int x = 0; x < 640; x++) {
            assertThat(painted.getRGB(x, 0)).isEqualTo(color);
            assertThat(painted.getRGB(x, 1)).isEqualTo(color);
            assertThat(painted.getRGB(x, 478)).isEqualTo(color);
            assertThat(painted.getRGB(x, 479)).isEqualTo(color);
        }
        assertThat(painted.getRGB(639, 200)).isEqualTo(color);
        assertThat(painted.getRGB(320, 200)).isEqualTo(photo.getRGB(320, 200));
    }

    @Test
    void groundTruthIsDashedInItsColourAndOneThatStandsOut() {
        BufferedImage photo = noise(640, 480, BufferedImage.TYPE_INT_RGB);
        float[] box = {100, 100, 500, 400};
        BufferedImage painted = PAINTER.paint(photo, BoxLayer.groundTruth(box, new String[] {""}, new int[] {4}));
        int dashes = 0;
        int gaps = 0;
        for (int x = 110; x < 490; x++) {
            int pixel = painted.getRGB(x, 100);
            dashes += pixel == Palette.color(4).getRGB() ? 1 : 0;
            gaps += pixel == Palette.textOn(Palette.color(4)).getRGB() ? 1 : 0;
        }
        assertThat(dashes).isBetween(150, 270);
        assertThat(gaps).isBetween(90, 200);
    }

    @Test
    void aFillIsLaidOverTheBoxOnly() {
        BufferedImage photo = flat(400, 300, 100);
        BufferedImage painted = new DetectionPainter(0.5, true).paint(photo, one(50, 50, 150, 150, null, Float.NaN, 3));
        Color mixed = new Color(painted.getRGB(100, 100));
        Color wanted = Palette.mix(new Color(100, 100, 100), Palette.color(3), 0.5);
        assertThat(Math.abs(mixed.getRed() - wanted.getRed())).isLessThanOrEqualTo(2);
        assertThat(Math.abs(mixed.getBlue() - wanted.getBlue())).isLessThanOrEqualTo(2);
        assertThat(painted.getRGB(200, 100)).isEqualTo(photo.getRGB(200, 100));
    }

    @Test
    void theBetterScoreLiesOnTop() {
        BufferedImage photo = flat(400, 300, 90);
        float[] boxes = {50, 50, 200, 200, 50, 50, 200, 200};
        String[] none = {null, null};
        BufferedImage painted =
                PAINTER.paint(photo, BoxLayer.detections(boxes, none, new float[] {0.9f, 0.3f}, new int[] {1, 5}));
        assertThat(painted.getRGB(50, 120)).isEqualTo(Palette.color(1).getRGB());
    }

    @Test
    void greyPhotosKeepTheirGreys() {
        BufferedImage grey = new BufferedImage(400, 300, BufferedImage.TYPE_BYTE_GRAY);
        grey.getRaster().setSample(7, 9, 0, 77);
        assertThat(PAINTER.paint(grey).getRGB(7, 9)).isEqualTo(0xFF4D4D4D);
    }

    @Test
    void textContrastsWithEveryColourOfThePalette() {
        for (int i = 0; i < 24; i++) {
            Color color = Palette.color(i);
            assertThat(Palette.contrast(color, Palette.textOn(color))).as("class %d", i).isGreaterThan(4.5);
        }
        assertThat(Palette.color(-1)).isNotNull();
        assertThat(Palette.contrast(Color.BLACK, Color.WHITE)).isEqualTo(21);
    }

    @Test
    void theTextIsAsInDetectron2() {
        assertThat(one(0, 0, 1, 1, "person", 0.934f, 0).text(0)).isEqualTo("person 93%");
        assertThat(one(0, 0, 1, 1, null, 0.934f, 0).text(0)).isEqualTo("93%");
        assertThat(BoxLayer.groundTruth(new float[4], new String[] {"cat"}, new int[1]).text(0)).isEqualTo("cat");
        assertThatThrownBy(() -> BoxLayer.groundTruth(new float[5], new String[] {"cat"}, new int[1]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static BoxLayer one(float x0, float y0, float x1, float y1, String label, float score, int cls) {
        return BoxLayer.detections(
                new float[] {x0, y0, x1, y1}, new String[] {label}, new float[] {score}, new int[] {cls});
    }

    private static BufferedImage noise(int width, int height, int type) {
        BufferedImage picture = new BufferedImage(width, height, type);
        Random random = new Random(7);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                picture.setRGB(x, y, random.nextInt(1 << 24));
            }
        }
        return picture;
    }

    private static BufferedImage flat(int width, int height, int level) {
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                picture.setRGB(x, y, level * 0x010101);
            }
        }
        return picture;
    }

    /** Every pixel outside {@code except} is equal. */
    private static void assertSame(BufferedImage a, BufferedImage b, Rectangle except) {
        assertThat(a.getWidth()).isEqualTo(b.getWidth());
        for (int y = 0; y < a.getHeight(); y++) {
            for (int x = 0; x < a.getWidth(); x++) {
                if (a.getRGB(x, y) != b.getRGB(x, y) && !except.contains(x, y)) {
                    throw new AssertionError("pixel (" + x + ", " + y + ") was painted");
                }
            }
        }
    }
}
