package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class ImageDecoderTest {
    private static final long MANY = 1 << 20;

    @TempDir
    Path folder;

    record Expected(int width, int height, String sha256) {}

    static Stream<Map.Entry<String, Expected>> rarerKinds() {
        TreeMap<String, Expected> all = new TreeMap<>();
        Path json = Pictures.resource("golden/image-extra/expected.json");
        for (var e : Json.read(json, com.fasterxml.jackson.databind.JsonNode.class).properties()) {
            all.put(e.getKey(), Json.MAPPER.convertValue(e.getValue(), Expected.class));
        }
        assertThat(all).hasSizeGreaterThan(50);
        return all.entrySet().stream();
    }

    /** Sizes, sampling, colour markers, orientation containers, bit depths, file formats: Pillow's bytes. */
    @ParameterizedTest
    @MethodSource("rarerKinds")
    void rarerKindsGivePillowsBytes(Map.Entry<String, Expected> c) throws NoSuchAlgorithmException {
        Image image = ImageDecoder.read(Pictures.resource("golden/image-extra/" + c.getKey()));
        String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(image.pixels()));
        assertThat(new Expected(image.width(), image.height(), sha256)).isEqualTo(c.getValue());
    }

    @Test
    void missingFile() {
        assertRefused(folder.resolve("none.jpg"), "none.jpg", "no such file");
    }

    @Test
    void folderInsteadOfFile() {
        assertRefused(folder, folder.toString(), "cannot be read");
    }

    /** Otherwise a worker that hangs on a network drive could not be stopped. */
    @Test
    void anInterruptEndsReading() {
        Path file = Pictures.resource("golden/image/j420.jpg");
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> ImageDecoder.read(file)).isInstanceOf(CancellationException.class).hasMessageContaining("j420.jpg");
        assertThat(Thread.interrupted()).as("the flag stays set").isTrue();
    }

    @Test
    void notAPicture() throws IOException {
        assertRefused(write("empty.jpg", new byte[0]), "empty.jpg", "empty");
        assertRefused(write("page.jpg", "<html>404</html>".getBytes(StandardCharsets.US_ASCII)), "page.jpg", "HTML");
        assertRefused(write("w.jpg", "RIFF....WEBPVP8 ".getBytes(StandardCharsets.US_ASCII)), "w.jpg", "WebP", "JPEG, PNG");
        assertRefused(write("noise.png", new byte[1000]), "noise.png", "unknown kind");
    }

    /** A header that promises 60000 x 60000 pixels must be refused before memory is asked for. */
    @Test
    void bomb() throws IOException {
        byte[] png = Files.readAllBytes(Pictures.resource("golden/image/scene_96x128.png"));
        ByteBuffer.wrap(png).putInt(16, 60000).putInt(20, 60000);
        assertRefused(write("bomb.png", png), "bomb.png", "60000x60000", "178,956,970");
        byte[] jpeg = Files.readAllBytes(Pictures.resource("golden/image/jgray.jpg"));
        ByteBuffer.wrap(jpeg).putShort(indexOf(jpeg, 0xC0) + 4, (short) 60000).putShort(indexOf(jpeg, 0xC0) + 6, (short) 60000);
        assertRefused(write("bomb.jpg", jpeg), "bomb.jpg", "60000x60000", "178,956,970");
    }

    @Test
    void limitIsInclusive() throws IOException {
        byte[] png = Files.readAllBytes(Pictures.resource("golden/image/scene_96x128.png"));
        assertThat(ImageDecoder.decode(png, "scene", 96 * 128).width()).isEqualTo(128);
        assertThatThrownBy(() -> ImageDecoder.decode(png, "scene", 96 * 128 - 1)).isInstanceOf(BadInput.class);
    }

    /** Cut anywhere, a JPEG or PNG is refused (Pillow refuses all of these, too), never half grey. */
    @ParameterizedTest
    @ValueSource(strings = {"image-extra/size_9x17.jpg", "image-extra/s411_progressive.jpg", "image-extra/rgb16.png"})
    void truncatedAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(Pictures.resource("golden/" + name));
        ImageDecoder.decode(whole, name, MANY);
        int needed = name.endsWith("png") ? whole.length - 24 : whole.length; // less IEND and the two checksums
        for (int n = 0; n < needed; n++) {
            byte[] cut = Arrays.copyOf(whole, n);
            assertThatThrownBy(() -> ImageDecoder.decode(cut, "cut.img", MANY)).as("%d of %d bytes", n, whole.length)
                    .isInstanceOf(BadInput.class).hasMessageStartingWith("cut.img: the image ");
        }
    }

    /** Whatever is damaged, the outcome is a picture or a message, no other exception. */
    @ParameterizedTest
    @ValueSource(strings = {"image/j420.jpg", "image/exif6.jpg", "image-extra/mode_P.png", "image-extra/lzw.tif",
        "image-extra/mode_RGB.gif", "image-extra/mode_P.bmp"})
    void damagedAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(Pictures.resource("golden/" + name));
        Random random = new Random(3);
        int refused = 0;
        for (int i = 0; i < 80; i++) {
            byte[] damaged = whole.clone();
            for (int k = 0; k < 4; k++) { // two near the header, two anywhere
                damaged[random.nextInt(k < 2 ? Math.min(200, whole.length) : whole.length)] = (byte) random.nextInt(256);
            }
            try {
                ImageDecoder.decode(damaged, "damaged", MANY);
            } catch (BadInput e) {
                assertThat(e).hasMessageStartingWith("damaged: ");
                refused++;
            }
        }
        assertThat(refused).isPositive();
    }

    private static int indexOf(byte[] jpeg, int marker) {
        for (int i = 0; ; i++) {
            if ((jpeg[i] & 0xFF) == 0xFF && (jpeg[i + 1] & 0xFF) == marker) {
                return i + 1;
            }
        }
    }

    private Path write(String name, byte[] content) throws IOException {
        return Files.write(folder.resolve(name), content);
    }

    private static void assertRefused(Path file, String... words) {
        assertThatThrownBy(() -> ImageDecoder.read(file)).isInstanceOf(BadInput.class).hasMessageContainingAll(words);
    }
}
