package org.sparsercnn.data;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.DirectColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.stream.ImageInputStreamImpl;
import org.sparsercnn.data.JpegHeader.Unsupported;
import org.sparsercnn.ffi.TurboJpeg;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * A picture file as upright RGB bytes, equal to what detectron2's {@code read_image(file, "RGB")} gets from Pillow: EXIF
 * orientation applied, alpha dropped (not blended), 16-bit grey cut off at 255, CMYK read as Adobe writes it, colour
 * profiles ignored. JPEG, PNG, BMP, GIF (first frame), TIFF and WBMP, through the JDK's ImageIO.
 *
 * <p>{@link TurboJpeg} decodes the usual JPEG files where the system has it, ImageIO all others: with the same outcome, but
 * more slowly. ImageIO delivers stored samples and this class (with {@link JpegColors}) turns them into RGB: that is exact
 * where ImageIO's own colour conversion is not, and faster. Safe for use by many threads.
 */
public final class ImageDecoder {
    /** Pillow's limit against decompression bombs: 2 * (1 GiB / 4 / 3) pixels. */
    public static final long MAX_PIXELS = 178_956_970;

    private ImageDecoder() {}

    /**
     * @throws BadInput naming the file if it is missing, unreadable, damaged, too large or of an unknown kind
     * @throws CancellationException if this thread is interrupted; its flag stays set
     */
    public static Image read(Path file) {
        byte[] bytes;
        try {
            bytes = contents(file);
        } catch (ClosedByInterruptException e) {
            throw new CancellationException(file + ": interrupted while reading");
        } catch (IOException e) {
            throw new BadInput(file + ": the image cannot be read: " + AtomicFiles.reason(e), e);
        } catch (OutOfMemoryError e) {
            throw new BadInput(file + ": the image cannot be read: the file does not fit into memory", e);
        }
        return decode(bytes, file.toString(), MAX_PIXELS);
    }

    /** As {@link Files#readAllBytes}, but an interrupt ends it: a network drive or a pipe may never answer. */
    private static byte[] contents(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            return Channels.newInputStream(channel).readAllBytes();
        }
    }

    /**
     * Decodes a file that is already in memory.
     *
     * @param name what messages call it
     * @param maxPixels width times height allowed; checked before anything is decoded
     */
    public static Image decode(byte[] bytes, String name, long maxPixels) {
        return decode(bytes, name, maxPixels, TurboJpeg.ofThisMachine());
    }

    /** With the JPEG decoder given; the outcome is the same with and without. */
    static Image decode(byte[] bytes, String name, long maxPixels, Optional<TurboJpeg> turbo) {
        Bytes in = new Bytes(bytes);
        try (in) {
            if (bytes.length == 0) {
                throw new Unsupported("the file is empty");
            }
            return JpegHeader.matches(bytes) ? jpeg(in, maxPixels, turbo) : other(in, maxPixels);
        } catch (Unsupported e) {
            throw new BadInput(name + ": the image cannot be decoded: " + e.getMessage(), e);
        } catch (OutOfMemoryError e) { // one array too large, asked for by a large or damaged file; nothing else is harmed
            throw new BadInput(name + ": the image cannot be decoded: it does not fit into memory", e);
        } catch (IOException | RuntimeException e) { // ImageIO's readers throw all kinds of them on damaged data
            Throwable reason = deepest(e);
            if (in.ranOut || reason instanceof EOFException) {
                throw new BadInput(name + ": the image is truncated; copy or download it again", e);
            }
            throw new BadInput(name + ": the image cannot be decoded: "
                    + (reason.getMessage() == null ? reason.getClass().getSimpleName() : reason.getMessage()), e);
        }
    }

    private static Image jpeg(Bytes in, long maxPixels, Optional<TurboJpeg> turbo) throws IOException, Unsupported {
        JpegHeader header = JpegHeader.parse(in.bytes);
        checkSize(header.width(), header.height(), maxPixels);
        Optional<byte[]> quick = turbo.filter(_ -> header.usual()).flatMap(t -> t.rgb(in.bytes, header.width(), header.height()));
        byte[] rgb = quick.isPresent() ? quick.get() : throughImageIo(in, header);
        return Orientation.upright(new Image(header.width(), header.height(), rgb), header.orientation());
    }

    /** For every kind of JPEG, and to tell what is wrong with a damaged one. */
    private static byte[] throughImageIo(Bytes in, JpegHeader header) throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName("jpeg").next();
        byte[] raw;
        try {
            reader.setInput(in, true, true);
            raw = ((DataBufferByte) reader.readRaster(0, null).getDataBuffer()).getData();
        } finally {
            reader.dispose();
        }
        if (in.ranOut) { // libjpeg fills the rest with grey and only warns
            throw new EOFException();
        }
        if (header.verticalChromaOnly()) {
            JpegColors.smoothChromaRows(raw, header.width(), header.height());
        }
        return JpegColors.toRgb(raw, header.colors());
    }

    private static Image other(Bytes in, long maxPixels) throws IOException, Unsupported {
        Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
        if (!readers.hasNext()) {
            throw new Unsupported(kind(in.bytes) + "; JPEG, PNG, BMP, GIF and TIFF can be read");
        }
        ImageReader reader = readers.next();
        try {
            reader.setInput(in, true, true);
            checkSize(reader.getWidth(0), reader.getHeight(0), maxPixels);
            checkColors(reader.getImageTypes(0).next());
            Image stored = rgb(reader.read(0));
            return switch (reader.getFormatName().toLowerCase(Locale.ROOT)) {
                case "png" -> Orientation.upright(stored, Orientation.ofPng(in.bytes));
                case "tif", "tiff" -> Orientation.upright(stored, Orientation.ofTiff(in.bytes, 0, in.bytes.length));
                default -> stored;
            };
        } finally {
            reader.dispose();
        }
    }

    private static void checkSize(int width, int height, long maxPixels) throws Unsupported {
        if (width < 1 || height < 1) {
            throw new Unsupported("it is " + width + "x" + height + " pixels");
        }
        if ((long) width * height > maxPixels) {
            throw new Unsupported("it is %dx%d, that is %,d pixels; at most %,d are allowed; make it smaller"
                    .formatted(width, height, (long) width * height, maxPixels));
        }
    }

    /** Before decoding: the TIFF reader takes minutes for the 32-bit samples or thousands of bands of a damaged header. */
    private static void checkColors(ImageTypeSpecifier type) throws Unsupported {
        ColorModel model = type.getColorModel();
        int samples = type.getSampleModel().getDataType();
        int space = model.getColorSpace().getType();
        boolean packed = model instanceof IndexColorModel || model instanceof DirectColorModel;
        if (type.getNumBands() > 4 || (space != ColorSpace.TYPE_GRAY && space != ColorSpace.TYPE_RGB)
                || (!packed && samples != DataBuffer.TYPE_BYTE && samples != DataBuffer.TYPE_USHORT)) {
            throw new Unsupported("its colours are not 8- or 16-bit grey or RGB; convert it to an RGB PNG or JPEG");
        }
    }

    /** Stored samples to RGB bytes as Pillow's {@code convert("RGB")} does. */
    private static Image rgb(BufferedImage picture) {
        int width = picture.getWidth();
        int height = picture.getHeight();
        ColorModel model = picture.getColorModel();
        Raster raster = picture.getRaster();
        byte[] out = new byte[Math.multiplyExact(width * 3, height)];
        if (model instanceof IndexColorModel || model instanceof DirectColorModel) {
            int[] row = new int[width];
            for (int y = 0, to = 0; y < height; y++) {
                picture.getRGB(0, y, width, 1, row, 0, width);
                for (int argb : row) {
                    out[to++] = (byte) (argb >> 16);
                    out[to++] = (byte) (argb >> 8);
                    out[to++] = (byte) argb;
                }
            }
            return new Image(width, height, out);
        }
        boolean grey = model.getColorSpace().getType() == ColorSpace.TYPE_GRAY;
        boolean wide = raster.getTransferType() == DataBuffer.TYPE_USHORT;
        int bands = raster.getNumBands();
        int[] row = new int[width * bands];
        for (int y = 0, to = 0; y < height; y++) {
            raster.getPixels(0, y, width, 1, row);
            for (int from = 0; from < row.length; from += bands) {
                for (int c = 0; c < 3; c++) {
                    int value = row[from + (grey ? 0 : c)];
                    if (wide) {
                        value = bands == 1 ? Math.min(value, 255) : value >> 8; // Pillow's mode I;16, and the others
                    }
                    out[to++] = (byte) value;
                }
            }
        }
        return new Image(width, height, out);
    }

    private static String kind(byte[] bytes) {
        String head = new String(bytes, 0, Math.min(bytes.length, 16), StandardCharsets.ISO_8859_1);
        if (head.startsWith("RIFF") && head.startsWith("WEBP", 8)) {
            return "WebP files are not supported";
        }
        if (head.startsWith("ftyp", 4)) {
            return "HEIC and AVIF files are not supported";
        }
        return head.stripLeading().startsWith("<") ? "it is a text file (HTML or SVG), not a picture" : "unknown kind of file";
    }

    private static Throwable deepest(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** A file in memory as ImageIO reads it; remembers whether more was wanted than there is. */
    private static final class Bytes extends ImageInputStreamImpl {
        private final byte[] bytes;
        private boolean ranOut;

        Bytes(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public int read() {
            bitOffset = 0;
            if (streamPos >= bytes.length) {
                ranOut = true;
                return -1;
            }
            return bytes[(int) streamPos++] & 0xFF;
        }

        @Override
        public int read(byte[] to, int offset, int length) {
            bitOffset = 0;
            int n = (int) Math.min(length, bytes.length - streamPos);
            if (n <= 0) {
                ranOut |= length > 0;
                return length > 0 ? -1 : 0;
            }
            System.arraycopy(bytes, (int) streamPos, to, offset, n);
            streamPos += n;
            return n;
        }

        @Override
        public long length() {
            return bytes.length;
        }
    }
}
