package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;

class ImageHeaderTest {
    @TempDir
    Path folder;

    static Stream<Path> recordedImages() throws IOException {
        List<Path> images = new ArrayList<>();
        for (String group : List.of("golden/image", "golden/image-extra")) {
            try (Stream<Path> files = Files.list(Pictures.resource(group))) {
                files.filter(f -> f.toString().matches(".*\\.(jpg|png|bmp|gif|tif)") && !f.endsWith("truncated.jpg")).forEach(images::add);
            }
        }
        assertThat(images).hasSizeGreaterThan(70);
        return images.stream();
    }

    /** Every kind of file, and every way of saying its orientation. */
    @ParameterizedTest
    @MethodSource("recordedImages")
    void theSizeIsThatOfTheDecodedImage(Path file) {
        Image decoded = ImageDecoder.read(file);
        assertThat(ImageHeader.uprightSize(file)).isEqualTo(new ImageSize(decoded.width(), decoded.height()));
    }

    /** Thumbnails, profiles and maker notes: a header of many times what is read at first, the orientation behind it. */
    @Test
    void aLongHeader() throws IOException {
        byte[] jpeg = Files.readAllBytes(Pictures.resource("golden/image/exif6.jpg"));
        ByteArrayOutputStream longer = new ByteArrayOutputStream();
        longer.write(jpeg, 0, 2);
        byte[] segment = new byte[2 + 60_000];
        segment[0] = (byte) 0xFF;
        segment[1] = (byte) 0xED;
        segment[2] = (byte) (60_000 >> 8);
        segment[3] = (byte) 60_000;
        for (int i = 0; i < 5; i++) {
            longer.write(segment);
        }
        longer.write(jpeg, 2, jpeg.length - 2);
        Path file = Files.write(folder.resolve("long.jpg"), longer.toByteArray());
        Image decoded = ImageDecoder.read(file);
        assertThat(ImageHeader.uprightSize(file)).isEqualTo(new ImageSize(decoded.width(), decoded.height()));
    }

    @Test
    void pixelsAreNotLookedAt() throws IOException {
        Path whole = Pictures.resource("golden/image/j420.jpg");
        byte[] jpeg = Files.readAllBytes(whole);
        Path cut = Files.write(folder.resolve("cut.jpg"), Arrays.copyOf(jpeg, jpeg.length - 100));
        assertThat(ImageHeader.uprightSize(cut)).isEqualTo(ImageHeader.uprightSize(whole));
    }

    @Test
    void whatIsNoImage() throws IOException {
        assertRefused(folder.resolve("none.jpg"), "none.jpg", "no such file");
        assertRefused(folder, "cannot be read");
        assertRefused(Files.write(folder.resolve("empty.jpg"), new byte[0]), "empty.jpg", "the file is empty");
        assertRefused(Files.writeString(folder.resolve("page.jpg"), "<html>404</html>"), "page.jpg", "HTML");
        assertRefused(Files.write(folder.resolve("noise.png"), new byte[1000]), "noise.png", "unknown kind");
        byte[] jpeg = Files.readAllBytes(Pictures.resource("golden/image/j420.jpg"));
        assertRefused(Files.write(folder.resolve("head.jpg"), Arrays.copyOf(jpeg, 100)), "head.jpg", "the file ends within its header");
        byte[] png = Files.readAllBytes(Pictures.resource("golden/image/rgba.png"));
        assertRefused(Files.write(folder.resolve("head.png"), Arrays.copyOf(png, 20)), "head.png", "truncated");
    }

    /** As the decoder refuses it, before anything large is read. */
    @Test
    void bombs() throws IOException {
        byte[] png = Files.readAllBytes(Pictures.resource("golden/image/scene_96x128.png"));
        ByteBuffer.wrap(png).putInt(16, 60000).putInt(20, 60000);
        assertRefused(Files.write(folder.resolve("bomb.png"), png), "bomb.png", "60000x60000", "at most 178,956,970 are allowed");
    }

    /** Whatever is damaged, the outcome is a size or a message. */
    @ParameterizedTest
    @ValueSource(strings = {"image/exif6.jpg", "image-extra/exif_8.png", "image-extra/lzw.tif", "image-extra/mode_RGB.gif", "image-extra/mode_P.bmp"})
    void damagedAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(Pictures.resource("golden/" + name));
        Random random = new Random(5);
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            byte[] damaged = whole.clone();
            for (int k = 0; k < 3; k++) {
                damaged[random.nextInt(Math.min(100, whole.length))] = (byte) random.nextInt(256);
            }
            try {
                ImageSize size = ImageHeader.uprightSize(Files.write(folder.resolve("damaged"), damaged));
                assertThat(size.width()).isPositive();
                assertThat(size.height()).isPositive();
            } catch (BadInput e) {
                assertThat(e).hasMessageContaining("damaged: the image ");
                refused++;
            }
        }
        assertThat(refused).isPositive();
    }

    private static void assertRefused(Path file, String... words) {
        assertThatThrownBy(() -> ImageHeader.uprightSize(file)).isInstanceOf(BadInput.class).hasMessageContainingAll(words);
    }
}
