package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StrokeFontTest {
    private static final String LABEL_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%.-+";

    @Test
    void asciiAndLatin1HaveGlyphs() {
        for (char c = 0x20; c < 0x7F; c++) {
            assertThat(StrokeFont.canDraw(String.valueOf(c))).as("U+%04X", (int) c).isTrue();
        }
        for (char c = 0xA1; c <= 0xFF; c++) {
            if (c != 0xAD) { // the soft hyphen is not drawn
                assertThat(StrokeFont.canDraw(String.valueOf(c))).as("U+%04X", (int) c).isTrue();
            }
        }
        assertThat(StrokeFont.canDraw("Łódź, Žižkov, Őrség, ğış")).isTrue();
        assertThat(StrokeFont.canDraw("犬")).isFalse();
    }

    @Test
    void unknownCharactersAreBoxesAndControlCharactersNothing() {
        assertThat(ink(render("犬", 20))).isGreaterThan(20);
        assertThat(StrokeFont.width("a\u0007b", 10)).isEqualTo(StrokeFont.width("ab", 10));
        assertThat(StrokeFont.width("a\tb", 10)).isEqualTo(StrokeFont.width("a b", 10));
    }

    @Test
    void anAccentIsTheSameHoweverItWasTyped() {
        assertThat(pixels(render("é Å", 15))).isEqualTo(pixels(render("e\u0301 A\u030A", 15)));
        assertThat(pixels(render("é", 15))).isNotEqualTo(pixels(render("e", 15)));
        assertThat(StrokeFont.width("í", 15)).isEqualTo(StrokeFont.width("i", 15));
    }

    @ParameterizedTest
    @ValueSource(doubles = {9, 10.5, 14, 40})
    void charactersOfLabelsDifferVisibly(double cap) {
        List<int[]> drawn = new ArrayList<>();
        LABEL_CHARACTERS.chars().forEach(c -> drawn.add(pixels(render(Character.toString(c), cap))));
        for (int i = 0; i < drawn.size(); i++) {
            for (int j = 0; j < i; j++) {
                double difference = 0; // in units of wholly black pixels
                for (int p = 0; p < drawn.get(i).length; p++) {
                    difference += Math.abs((drawn.get(i)[p] & 255) - (drawn.get(j)[p] & 255)) / 255.0;
                }
                String pair = LABEL_CHARACTERS.charAt(i) + " and " + LABEL_CHARACTERS.charAt(j);
                assertThat(difference).as(pair + " at " + cap).isGreaterThan(0.035 * cap * cap);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {9, 21, 80})
    void inkFillsTheAnnouncedWidthAndHeight(double cap) {
        int origin = (int) (2 * cap);
        BufferedImage picture = blank(origin * 12, origin * 2);
        draw(picture, "Happy 100%", origin, origin, cap);
        int[] extent = extent(picture);
        assertThat((double) extent[0]).isBetween(origin - 1.0, origin + 1.0);
        double right = origin + StrokeFont.width("Happy 100%", cap);
        assertThat((double) extent[2]).isBetween(right - 1.5, right + 1.0);
        assertThat((double) extent[1]).isBetween(origin - cap - 1, origin - cap + 1);
        assertThat((double) extent[3]).as("descender").isBetween(origin + cap * 2 / 7 - 1.5, origin + cap * 2 / 7 + 1);
    }

    @Test
    void longTextIsCutWithAnEllipsis() {
        assertThat(StrokeFont.fit("person 93%", 10, 500)).isEqualTo("person 93%");
        String cut = StrokeFont.fit("a very long category name 93%", 10, 100);
        assertThat(cut).startsWith("a very").endsWith("…");
        assertThat(StrokeFont.width(cut, 10)).isLessThanOrEqualTo(100);
        assertThat(StrokeFont.fit("person", 10, 3)).isEmpty();
    }

    private static BufferedImage render(String text, double cap) {
        BufferedImage picture = blank((int) (3 * cap), (int) (2 * cap));
        draw(picture, text, cap / 2, 1.5 * cap, cap);
        return picture;
    }

    private static void draw(BufferedImage picture, String text, double x, double baseline, double cap) {
        Graphics2D g = Pictures.smooth(picture);
        g.setColor(Color.BLACK);
        StrokeFont.draw(g, text, x, baseline, cap);
        g.dispose();
    }

    private static BufferedImage blank(int width, int height) {
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        java.util.Arrays.fill(((java.awt.image.DataBufferInt) picture.getRaster().getDataBuffer()).getData(), 0xFFFFFF);
        return picture;
    }

    private static int[] pixels(BufferedImage picture) {
        return picture.getRGB(0, 0, picture.getWidth(), picture.getHeight(), null, 0, picture.getWidth());
    }

    private static double ink(BufferedImage picture) {
        double sum = 0;
        for (int p : pixels(picture)) {
            sum += 1 - (p & 255) / 255.0;
        }
        return sum;
    }

    /** Left, top, right, bottom of what is at least a third black; right and bottom exclusive. */
    private static int[] extent(BufferedImage picture) {
        int[] e = {Integer.MAX_VALUE, Integer.MAX_VALUE, -1, -1};
        for (int y = 0; y < picture.getHeight(); y++) {
            for (int x = 0; x < picture.getWidth(); x++) {
                if ((picture.getRGB(x, y) & 255) < 170) {
                    e[0] = Math.min(e[0], x);
                    e[1] = Math.min(e[1], y);
                    e[2] = Math.max(e[2], x + 1);
                    e[3] = Math.max(e[3], y + 1);
                }
            }
        }
        return e;
    }
}
