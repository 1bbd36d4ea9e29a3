package org.sparsercnn.data;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.sparsercnn.data.JpegHeader.Unsupported;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * How large the upright picture in a file is, without decoding it: the size {@link ImageDecoder} would give it, from a few
 * kilobytes of a JPEG file and from the header of any other kind.
 */
public final class ImageHeader {
    /** Where most JPEG files have got to their first scan; thumbnails and profiles may take it further. */
    private static final int FIRST_READ = 1 << 14;

    private ImageHeader() {}

    /**
     * Damage behind the header stays unseen.
     *
     * @throws BadInput naming the file if it is missing, unreadable or of a kind that cannot be decoded
     */
    public static ImageSize uprightSize(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] start = in.readNBytes(FIRST_READ);
            ImageSize size = JpegHeader.matches(start) ? jpeg(start, in) : other(joined(start, in.readAllBytes()));
            boolean usable = size.width() > 0 && size.height() > 0 && (long) size.width() * size.height() <= ImageDecoder.MAX_PIXELS;
            return usable ? size : decoded(file);
        } catch (Unsupported e) {
            throw new BadInput(file + ": the image cannot be decoded: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new BadInput(file + ": the image cannot be read: " + AtomicFiles.reason(e), e);
        }
    }

    private static ImageSize jpeg(byte[] start, InputStream in) throws IOException, Unsupported {
        byte[] read = start;
        while (true) {
            try {
                JpegHeader header = JpegHeader.parse(read);
                return upright(header.width(), header.height(), header.orientation());
            } catch (Unsupported e) {
                byte[] more = in.readNBytes(3 * read.length);
                if (more.length == 0) {
                    throw e;
                }
                read = joined(read, more);
            }
        }
    }

    /** 0x0 if it cannot be told. */
    private static ImageSize other(byte[] bytes) {
        try (MemoryCacheImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                return new ImageSize(0, 0);
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                return upright(reader.getWidth(0), reader.getHeight(0),
                        switch (reader.getFormatName().toLowerCase(Locale.ROOT)) {
                            case "png" -> Orientation.ofPng(bytes);
                            case "tif", "tiff" -> Orientation.ofTiff(bytes, 0, bytes.length);
                            default -> Orientation.UPRIGHT;
                        });
            } finally {
                reader.dispose();
            }
        } catch (IOException | RuntimeException e) { // ImageIO throws all kinds of them on damaged data
            return new ImageSize(0, 0);
        }
    }

    /** The decoder has the words for what is wrong. */
    private static ImageSize decoded(Path file) {
        Image image = ImageDecoder.read(file);
        return new ImageSize(image.width(), image.height());
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    /** Orientations from 5 on exchange rows and columns. */
    private static ImageSize upright(int width, int height, int orientation) {
        return orientation >= 5 ? new ImageSize(height, width) : new ImageSize(width, height);
    }
}
