package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.ffi.TurboJpeg;
import org.sparsercnn.ffi.TurboJpegWriter;
import org.sparsercnn.ffi.TurboJpegWriter.Sampling;
import org.sparsercnn.util.BadInput;

/** A JPEG file gives the same picture or the same refusal whether libturbojpeg or ImageIO decodes it. */
class JpegRoadsTest {
    private static final long MANY = 1 << 20;
    private static final String NATIVE_METADATA = "javax_imageio_jpeg_image_1.0";

    private final Optional<TurboJpeg> turbo = TurboJpeg.ofThisMachine();

    @BeforeEach
    void needsTheLibrary() {
        assumeTrue(turbo.isPresent(), "libturbojpeg is not installed: there is one road only");
    }

    /** Every sampling, sequential and progressive, restart intervals, odd sizes down to 1x1, qualities 1 to 100. */
    @Test
    void fiveHundredRandomFiles() throws Throwable {
        Random random = new Random(11);
        Map<Sampling, Integer> quick = new EnumMap<>(Sampling.class);
        for (int i = 0; i < 500; i++) {
            int width = i % 5 == 0 ? 1 + random.nextInt(4) : 1 + random.nextInt(150);
            int height = i % 7 == 0 ? 1 + random.nextInt(4) : 1 + random.nextInt(150);
            byte[] rgb = scene(width, height, random);
            Sampling sampling = Sampling.values()[i % 6];
            int quality = 1 + random.nextInt(100);
            boolean progressive = random.nextBoolean();
            int restart = random.nextInt(3) == 0 ? 1 + random.nextInt(20) : 0;
            byte[] jpeg = i % 2 == 0 ? TurboJpegWriter.write(rgb, width, height, sampling, quality, progressive)
                    : write(rgb, width, height, sampling, quality, progressive, restart);
            String what = "%d: %dx%d %s quality %d%s restart %d".formatted(i, width, height, sampling, quality, progressive ? " progressive" : "", restart);
            quick.merge(sampling, turbo.get().rgb(jpeg, width, height).isPresent() && JpegHeader.parse(jpeg).usual() ? 1 : 0, Integer::sum);
            assertThat(outcome(jpeg, turbo)).as(what).isInstanceOf(Image.class);
            assertSameRoads(jpeg, what);
        }
        assertThat(quick).as("files that libturbojpeg decoded").containsEntry(Sampling.S440, 0);
        quick.remove(Sampling.S440);
        assertThat(quick.values()).allMatch(n -> n > 80);
    }

    /** 4:4:4, 4:2:2 and 4:4:0 in other spellings, and what no writer makes: mostly nonsense, but the same nonsense. */
    @ParameterizedTest
    @ValueSource(strings = {"22 21 21", "22 22 22", "22 12 12", "22 21 11", "22 11 21", "11 22 11", "11 21 12", "42 21 21", "41 21 21", "14 11 11", "31 11 11"})
    void unusualSamplingFactors(String factors) {
        byte[] jpeg = TurboJpegWriter.write(scene(48, 48, new Random(1)), 48, 48, Sampling.S444, 90, false);
        int frame = segment(jpeg, 2, 0xC0);
        for (int c = 0; c < 3; c++) {
            jpeg[frame + 11 + 3 * c] = (byte) Integer.parseInt(factors.split(" ")[c], 16);
        }
        assertSameRoads(jpeg, factors);
    }

    /** libjpeg-turbo would take the usual ones, ImageIO would not. */
    @Test
    void withoutHuffmanTables() throws IOException {
        byte[] jpeg = TurboJpegWriter.write(scene(48, 48, new Random(1)), 48, 48, Sampling.S420, 90, false);
        ByteArrayOutputStream bare = new ByteArrayOutputStream();
        bare.write(jpeg, 0, 2);
        int at = 2;
        while ((jpeg[at + 1] & 0xFF) != 0xDA) {
            int length = length(jpeg, at);
            if ((jpeg[at + 1] & 0xFF) != 0xC4) {
                bare.write(jpeg, at, length);
            }
            at += length;
        }
        bare.write(jpeg, at, jpeg.length - at);
        assertSameRoads(bare.toByteArray(), "no tables");
    }

    /** Nothing is allocated for what the header promises before it is refused. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aHostileHeaderCostsNothing(boolean quick) {
        byte[] jpeg = TurboJpegWriter.write(scene(8, 8, new Random(1)), 8, 8, Sampling.S420, 90, false);
        int frame = segment(jpeg, 2, 0xC0);
        Arrays.fill(jpeg, frame + 5, frame + 9, (byte) 0xFF);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        assertThatThrownBy(() -> ImageDecoder.decode(jpeg, "x.jpg", ImageDecoder.MAX_PIXELS, quick ? turbo : Optional.empty()))
                .isInstanceOf(BadInput.class).hasMessageContainingAll("x.jpg", "65535x65535");
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1 << 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"image-extra/size_9x17.jpg", "image-extra/s411_progressive.jpg", "image/j422.jpg"})
    void truncatedAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(Pictures.resource("golden/" + name));
        for (int n = 0; n < whole.length; n++) {
            byte[] cut = Arrays.copyOf(whole, n);
            assertThat(outcome(cut, turbo)).as("%d of %d bytes", n, whole.length).isInstanceOf(String.class);
            assertSameRoads(cut, n + " bytes");
        }
    }

    /** Where damage goes unnoticed, pixels may differ: the two round coefficients differently that no picture has. */
    @ParameterizedTest
    @ValueSource(strings = {"image/j420.jpg", "image/exif6.jpg", "image/jprogressive.jpg", "image/jgray.jpg"})
    void damagedAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(Pictures.resource("golden/" + name));
        Random random = new Random(3);
        for (int i = 0; i < 150; i++) {
            byte[] damaged = whole.clone();
            for (int k = 0; k <= i % 3; k++) {
                damaged[random.nextInt(i % 2 == 0 ? Math.min(700, whole.length) : whole.length)] = (byte) random.nextInt(256);
            }
            Object quick = outcome(damaged, turbo);
            Object slow = outcome(damaged, Optional.empty());
            if (quick instanceof Image a && slow instanceof Image b) {
                assertThat(a.width()).as(name + ", round " + i).isEqualTo(b.width());
            } else {
                assertThat(quick).as(name + ", round " + i).isEqualTo(slow);
            }
        }
    }

    private static int segment(byte[] jpeg, int from, int marker) {
        return (jpeg[from + 1] & 0xFF) == marker ? from : segment(jpeg, from + length(jpeg, from), marker);
    }

    private static int length(byte[] jpeg, int segment) {
        return 2 + ((jpeg[segment + 2] & 0xFF) << 8 | jpeg[segment + 3] & 0xFF);
    }

    private void assertSameRoads(byte[] jpeg, String what) {
        Object quick = outcome(jpeg, turbo);
        Object slow = outcome(jpeg, Optional.empty());
        if (quick instanceof Image a && slow instanceof Image b) {
            assertThat(a.width()).as(what).isEqualTo(b.width());
            assertThat(Arrays.mismatch(a.pixels(), b.pixels())).as(what).isEqualTo(-1);
        } else {
            assertThat(quick).as(what).isEqualTo(slow);
        }
    }

    /** The picture, or why there is none. */
    private static Object outcome(byte[] jpeg, Optional<TurboJpeg> turbo) {
        try {
            return ImageDecoder.decode(jpeg, "x.jpg", MANY, turbo);
        } catch (BadInput e) {
            return e.getMessage();
        }
    }

    /** Blobs, edges and noise: all coefficients are used. */
    private static byte[] scene(int width, int height, Random random) {
        byte[] rgb = new byte[width * height * 3];
        int noise = 1 + random.nextInt(80);
        for (int y = 0, i = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int edge = (x / 13 + y / 7) % 2 * 120;
                for (int c = 0; c < 3; c++) {
                    rgb[i++] = (byte) Math.max(0, Math.min(255, (x * (c + 1) + y * 2) % 200 + (c == 1 ? edge : -edge) + random.nextInt(noise)));
                }
            }
        }
        return rgb;
    }

    /** By ImageIO, which can also write restart markers. {@code rgb} is taken as the components to store. */
    private static byte[] write(byte[] rgb, int width, int height, Sampling sampling, int quality, boolean progressive, int restart) throws IOException {
        var picture = new BufferedImage(width, height,
                sampling == Sampling.GREY ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
        for (int y = 0, i = 0; y < height; y++) {
            for (int x = 0; x < width; x++, i += 3) {
                picture.setRGB(x, y, (rgb[i] & 0xFF) << 16 | (rgb[i + 1] & 0xFF) << 8 | rgb[i + 2] & 0xFF);
            }
        }
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (var stream = new MemoryCacheImageOutputStream(out)) {
            writer.setOutput(stream);
            ImageWriteParam how = writer.getDefaultWriteParam();
            how.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            how.setCompressionQuality(quality / 100f);
            how.setProgressiveMode(progressive ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
            IIOMetadata metadata = writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(picture), how);
            var tree = (IIOMetadataNode) metadata.getAsTree(NATIVE_METADATA);
            var luma = (IIOMetadataNode) tree.getElementsByTagName("componentSpec").item(0);
            int[] factors = switch (sampling) {
                case GREY, S444 -> new int[] {1, 1};
                case S422 -> new int[] {2, 1};
                case S420 -> new int[] {2, 2};
                case S440 -> new int[] {1, 2};
                case S411 -> new int[] {4, 1};
            };
            luma.setAttribute("HsamplingFactor", String.valueOf(factors[0]));
            luma.setAttribute("VsamplingFactor", String.valueOf(factors[1]));
            if (restart > 0) {
                IIOMetadataNode interval = new IIOMetadataNode("dri");
                interval.setAttribute("interval", String.valueOf(restart));
                tree.getElementsByTagName("markerSequence").item(0).appendChild(interval);
            }
            metadata.setFromTree(NATIVE_METADATA, tree);
            writer.write(null, new IIOImage(picture, null, metadata), how);
        } finally {
            writer.dispose();
        }
        return out.toByteArray();
    }
}
