package org.sparsercnn.viz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class PicturesTest {
    @TempDir
    Path folder;

    @Test
    void pngKeepsEveryPixel() throws Exception {
        byte[] rgb = new byte[31 * 17 * 3];
        new Random(1).nextBytes(rgb);
        Path file = folder.resolve("new/picture.PNG");
        Pictures.write(Pictures.fromRgb(rgb, 31, 17), file);
        BufferedImage read = ImageIO.read(file.toFile());
        for (int i = 0; i < 31 * 17; i++) {
            int wanted = (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | rgb[3 * i + 2] & 255;
            assertThat(read.getRGB(i % 31, i / 31) & 0xFFFFFF).isEqualTo(wanted);
        }
    }

    @Test
    void jpegKeepsThinColouredLines() throws Exception {
        BufferedImage picture = new BufferedImage(64, 64, BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < 64; y++) {
            for (int x = 0; x < 64; x++) {
                picture.setRGB(x, y, x % 16 == 5 ? 0xFFD55E00 : 0); // transparent becomes white
            }
        }
        Path file = folder.resolve("picture.jpg");
        Pictures.write(picture, file);
        int line = ImageIO.read(file.toFile()).getRGB(21, 30);
        assertThat(line >> 16 & 255).isBetween(0xD5 - 25, 0xD5 + 25);
        assertThat(line & 255).as("blue; halved colour resolution would give about 100").isLessThan(45);
        assertThat(ImageIO.read(file.toFile()).getRGB(12, 30) & 255).isGreaterThan(230);
        try (var files = Files.list(folder)) {
            assertThat(files).as("no temporary file left").containsExactly(file);
        }
    }

    @Test
    void whatCannotBeWrittenIsSaid() throws Exception {
        BufferedImage picture = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
        assertThatThrownBy(() -> Pictures.write(picture, folder.resolve("picture.webp")))
                .isInstanceOf(BadInput.class)
                .hasMessageContaining("picture.webp")
                .hasMessageContaining(".png");
        Path notAFolder = Files.writeString(folder.resolve("file"), "x");
        assertThatThrownBy(() -> Pictures.write(picture, notAFolder.resolve("picture.png")))
                .isInstanceOf(BadInput.class)
                .hasMessageContaining("picture.png");
        assertThatThrownBy(() -> Pictures.fromRgb(new byte[10], 2, 2)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aMontageShowsEveryPictureAndItsCaption() {
        BufferedImage wide = filled(300, 100, 0xFF0000);
        BufferedImage tall = filled(50, 100, 0x00FF00);
        BufferedImage huge = filled(2000, 2000, 0x0000FF);
        BufferedImage sheet = Montage.of(List.of(wide, tall, huge), List.of("one", "", "three"), 2, 120);
        int[] counts = new int[3];
        int[] below = new int[2];
        for (int y = 0; y < sheet.getHeight(); y++) {
            for (int x = 0; x < sheet.getWidth(); x++) {
                int pixel = sheet.getRGB(x, y) & 0xFFFFFF;
                for (int c = 0; c < 3; c++) {
                    counts[c] += pixel == 0xFF0000 >> 8 * c ? 1 : 0;
                }
                below[x < 130 ? 0 : 1] += isGrey(pixel) && (pixel & 255) < 140 ? 1 : 0;
            }
        }
        assertThat(counts).containsExactly(120 * 40, 60 * 120, 120 * 120);
        assertThat(below[0]).as("captions in the first column").isGreaterThan(10);
        assertThat(below[1]).as("captions in the second column").isZero();
    }

    private static BufferedImage filled(int width, int height, int color) {
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                picture.setRGB(x, y, color);
            }
        }
        return picture;
    }

    private static boolean isGrey(int rgb) {
        return rgb >> 16 == (rgb & 255) && (rgb >> 8 & 255) == (rgb & 255);
    }
}
