package org.sparsercnn.viz;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Locale;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOInvalidTreeException;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** RGB bytes to pictures and pictures to files. */
public final class Pictures {
    private static final float JPEG_QUALITY = 0.92f;
    private static final String JPEG_TREE = "javax_imageio_jpeg_image_1.0";

    private Pictures() {}

    /** A picture (TYPE_INT_RGB) of {@code rgb}: height x width x 3 bytes, rows from the top. */
    public static BufferedImage fromRgb(byte[] rgb, int width, int height) {
        if (rgb.length != Math.multiplyExact(Math.multiplyExact(width, height), 3)) {
            throw new IllegalArgumentException(rgb.length + " bytes are not " + width + "x" + height + " RGB");
        }
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        int[] pixels = pixels(picture);
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | rgb[3 * i + 2] & 255;
        }
        return picture;
    }

    /** Writes PNG or JPEG (quality 92, full colour resolution) as the extension says; an old file is replaced whole. */
    public static void write(BufferedImage picture, Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        String format = name.endsWith(".png") ? "png" : name.endsWith(".jpg") || name.endsWith(".jpeg") ? "jpeg" : null;
        if (format == null) {
            throw new BadInput(file + ": pictures are written as .png, .jpg or .jpeg; give the name one of these endings");
        }
        BufferedImage opaque = format.equals("jpeg") ? rgbCopy(picture) : picture;
        try {
            AtomicFiles.write(file, out -> encode(opaque, format, JPEG_QUALITY, out));
        } catch (IOException e) {
            throw new BadInput(
                    file + ": cannot be written: " + AtomicFiles.reason(e)
                            + "; free some space or choose another folder",
                    e);
        }
    }

    /** The bytes of a JPEG file, full colour resolution; {@code quality} from 0 to 1. */
    public static byte[] jpeg(BufferedImage picture, float quality) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            encode(rgbCopy(picture), "jpeg", quality, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail
        }
        return bytes.toByteArray();
    }

    /** A copy as TYPE_INT_RGB; transparent parts become white, grey stays the grey its bytes say. */
    static BufferedImage rgbCopy(BufferedImage source) {
        int w = source.getWidth();
        int h = source.getHeight();
        BufferedImage copy = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
        if (source.getType() == BufferedImage.TYPE_BYTE_GRAY) { // Java2D takes grey for linear light and would brighten it
            int[] grey = source.getRaster().getSamples(0, 0, w, h, 0, (int[]) null);
            int[] pixels = pixels(copy);
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = grey[i] * 0x010101;
            }
            return copy;
        }
        Graphics2D g = copy.createGraphics();
        g.setColor(Color.WHITE);
        g.fillRect(0, 0, w, h);
        g.drawImage(source, 0, 0, null);
        g.dispose();
        return copy;
    }

    /** Every pixel becomes a block of {@code factor} x {@code factor}. */
    static BufferedImage magnify(BufferedImage source, int factor) {
        int w = source.getWidth() * factor;
        int h = source.getHeight() * factor;
        BufferedImage large = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = large.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR);
        g.drawImage(source, 0, 0, w, h, null);
        g.dispose();
        return large;
    }

    /** Scaled so that the longer side is {@code side}. Pixels of a thumbnail stay pixels. */
    public static BufferedImage fit(BufferedImage picture, int side) {
        BufferedImage source = picture;
        int longer = Math.max(source.getWidth(), source.getHeight());
        while (longer > 2 * side) { // bilinear looks at four pixels only: halve first, so that all of them count
            source = resized(source, 0.5, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
            longer = Math.max(source.getWidth(), source.getHeight());
        }
        double scale = (double) side / longer;
        return resized(
                source,
                scale,
                scale >= 2
                        ? RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR
                        : RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    }

    private static BufferedImage resized(BufferedImage source, double scale, Object interpolation) {
        int width = (int) Math.max(1, Math.round(source.getWidth() * scale));
        int height = (int) Math.max(1, Math.round(source.getHeight() * scale));
        BufferedImage result = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = result.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, interpolation);
        g.drawImage(source, 0, 0, width, height, null);
        g.dispose();
        return result;
    }

    /** A graphics context with smooth, unsnapped lines. */
    static Graphics2D smooth(BufferedImage picture) {
        Graphics2D g = picture.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        return g;
    }

    private static int[] pixels(BufferedImage intRgb) {
        return ((DataBufferInt) intRgb.getRaster().getDataBuffer()).getData();
    }

    private static void encode(BufferedImage picture, String format, float quality, OutputStream out) throws IOException {
        ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
        try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
            writer.setOutput(stream);
            ImageWriteParam param = writer.getDefaultWriteParam();
            IIOMetadata metadata = null;
            if (format.equals("jpeg")) {
                param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
                param.setCompressionQuality(quality);
                metadata = fullColourResolution(writer.getDefaultImageMetadata(new ImageTypeSpecifier(picture), param));
            }
            writer.write(null, new IIOImage(picture, null, metadata), param);
        } finally {
            writer.dispose();
        }
    }

    /** Halved colour resolution, the JPEG writer's default, would fray thin coloured lines and small letters. */
    private static IIOMetadata fullColourResolution(IIOMetadata metadata) throws IIOInvalidTreeException {
        IIOMetadataNode root = (IIOMetadataNode) metadata.getAsTree(JPEG_TREE);
        NodeList components = root.getElementsByTagName("componentSpec");
        for (int i = 0; i < components.getLength(); i++) {
            Node component = components.item(i);
            component.getAttributes().getNamedItem("HsamplingFactor").setNodeValue("1");
            component.getAttributes().getNamedItem("VsamplingFactor").setNodeValue("1");
        }
        metadata.setFromTree(JPEG_TREE, root);
        return metadata;
    }
}
