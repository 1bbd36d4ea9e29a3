package org.sparsercnn.web;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;

/** Bodies of requests: pictures, and what only claims to be one. */
final class Pictures {
    private Pictures() {}

    static byte[] jpeg(int width, int height) {
        return encoded(width, height, "jpeg");
    }

    /** A black PNG, a thousandth of its pixels' size. */
    static byte[] zeros(int width, int height) {
        return encoded(width, height, "png");
    }

    private static byte[] encoded(int width, int height, String format) {
        try {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ImageIO.write(new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB), format, out);
            return out.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A small PNG whose header says that it is of another size. */
    static byte[] pngClaiming(int width, int height) {
        ByteBuffer png = ByteBuffer.wrap(zeros(8, 8));
        png.putInt(16, width).putInt(20, height);
        CRC32 crc = new CRC32();
        crc.update(png.array(), 12, 17);
        return png.putInt(29, (int) crc.getValue()).array();
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}
