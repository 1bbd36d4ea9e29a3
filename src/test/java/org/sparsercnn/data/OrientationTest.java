package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OrientationTest {
    /** The EXIF standard's words: where the stored row 0 and column 0 belong in the upright picture. */
    @ParameterizedTest
    @CsvSource({"1,top,left", "2,top,right", "3,bottom,right", "4,bottom,left", "5,left,top", "6,right,top", "7,right,bottom",
        "8,left,bottom"})
    void allEightTags(int tag, String rowZero, String columnZero) {
        Image stored = Pictures.noise(5, 3, tag);
        Image upright = Orientation.upright(stored, tag);
        boolean swapped = rowZero.equals("left") || rowZero.equals("right");
        assertThat(upright.width()).isEqualTo(swapped ? 3 : 5);
        for (int row = 0; row < 3; row++) {
            for (int column = 0; column < 5; column++) {
                int x = across(swapped ? rowZero : columnZero, swapped ? row : column, upright.width());
                int y = down(swapped ? columnZero : rowZero, swapped ? column : row, upright.height());
                for (int c = 0; c < 3; c++) {
                    assertThat(upright.at(x, y, c)).as("stored row %d column %d", row, column)
                            .isEqualTo(stored.at(column, row, c));
                }
            }
        }
    }

    private static int across(String side, int i, int width) {
        return side.equals("left") ? i : width - 1 - i;
    }

    private static int down(String side, int i, int height) {
        return side.equals("top") ? i : height - 1 - i;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void tagInEitherByteOrder(boolean little) {
        for (int value = 1; value <= 8; value++) {
            assertThat(ofTiff(tiff(little, 3, value))).isEqualTo(value);
        }
        assertThat(ofTiff(tiff(little, 3, 0))).isEqualTo(Orientation.UPRIGHT);
        assertThat(ofTiff(tiff(little, 3, 9))).isEqualTo(Orientation.UPRIGHT);
        assertThat(ofTiff(tiff(little, 2, 6))).as("a text").isEqualTo(Orientation.UPRIGHT);
    }

    @Test
    void noTagOrNoTiff() {
        byte[] other = tiff(true, 3, 6);
        other[10] = 0x13;
        assertThat(ofTiff(other)).isEqualTo(Orientation.ABSENT);
        assertThat(ofTiff("neither II nor MM".getBytes(StandardCharsets.US_ASCII))).isEqualTo(Orientation.ABSENT);
    }

    @Test
    void damagedBlocksAreIgnored() {
        byte[] good = tiff(true, 3, 6);
        Random random = new Random(1);
        for (int n = 0; n < good.length; n++) {
            assertThat(ofTiff(java.util.Arrays.copyOf(good, n))).isBetween(0, 8);
        }
        for (int i = 0; i < 2000; i++) {
            byte[] damaged = good.clone();
            damaged[random.nextInt(good.length)] = (byte) random.nextInt();
            assertThat(ofTiff(damaged)).isBetween(0, 8);
        }
    }

    @Test
    void xmp() {
        assertThat(ofXmp("<rdf:Description tiff:Orientation=\"8\"/>")).isEqualTo(8);
        assertThat(ofXmp("<tiff:Orientation>3</tiff:Orientation>")).isEqualTo(3);
        assertThat(ofXmp("<x/>")).isEqualTo(Orientation.ABSENT);
    }

    private static int ofTiff(byte[] bytes) {
        return Orientation.ofTiff(bytes, 0, bytes.length);
    }

    private static int ofXmp(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        return Orientation.ofXmp(bytes, 0, bytes.length);
    }

    private static byte[] tiff(boolean little, int type, int value) {
        ByteBuffer b = ByteBuffer.allocate(26).order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        b.put((byte) (little ? 'I' : 'M')).put((byte) (little ? 'I' : 'M')).putShort((short) 42).putInt(8);
        b.putShort((short) 1).putShort((short) 0x0112).putShort((short) type).putInt(1).putShort((short) value);
        return b.array();
    }
}
