package org.sparsercnn.data;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * A picture in memory: rows from top to bottom, three unsigned bytes a pixel, channel order RGB unless the holder says
 * otherwise. Operations return new pictures; nobody writes into {@code pixels} after construction (it is handed out
 * uncopied because the loader moves hundreds of megabytes a second).
 *
 * @param pixels (height, width, 3) bytes
 */
public record Image(int width, int height, byte[] pixels) {
    public static final int CHANNELS = 3;

    /** Reads or writes a pixel and one byte more at once. */
    static final VarHandle FOUR_BYTES = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    public Image {
        Objects.requireNonNull(pixels, "pixels");
        if (width < 1 || height < 1 || (long) width * height * CHANNELS != pixels.length) {
            throw new IllegalArgumentException(
                    "a %dx%d picture does not have %d bytes".formatted(width, height, pixels.length));
        }
    }

    /** Value 0–255 of one channel of one pixel. */
    public int at(int x, int y, int channel) {
        return pixels[(y * width + x) * CHANNELS + channel] & 0xFF;
    }

    /** Mirrored left to right. */
    public Image flipHorizontal() {
        byte[] out = new byte[pixels.length];
        int last = (width - 1) * CHANNELS;
        for (int y = 0; y < height; y++) {
            int row = y * width * CHANNELS;
            for (int at = 0; at < last; at += CHANNELS) { // four bytes, of which the next pixel overwrites the last one
                FOUR_BYTES.set(out, row + at, (int) FOUR_BYTES.get(pixels, row + last - at - 1) >>> Byte.SIZE);
            }
            System.arraycopy(pixels, row, out, row + last, CHANNELS);
        }
        return new Image(width, height, out);
    }

    /** Mirrored top to bottom. */
    public Image flipVertical() {
        int row = width * CHANNELS;
        byte[] out = new byte[pixels.length];
        for (int y = 0; y < height; y++) {
            System.arraycopy(pixels, y * row, out, (height - 1 - y) * row, row);
        }
        return new Image(width, height, out);
    }

    /** Mirrored along the main diagonal: pixel (x, y) goes to (y, x). */
    public Image transpose() {
        byte[] out = new byte[pixels.length];
        for (int y = 0; y < height; y++) {
            int from = y * width * CHANNELS;
            int to = y * CHANNELS;
            for (int x = 0; x < width; x++, from += CHANNELS, to += height * CHANNELS) {
                out[to] = pixels[from];
                out[to + 1] = pixels[from + 1];
                out[to + 2] = pixels[from + 2];
            }
        }
        return new Image(height, width, out);
    }

    /** The part {@code [x0, x0+w) x [y0, y0+h)}, which must lie inside. */
    public Image crop(int x0, int y0, int w, int h) {
        Objects.checkFromIndexSize(x0, w, width);
        Objects.checkFromIndexSize(y0, h, height);
        byte[] out = new byte[w * h * CHANNELS];
        for (int y = 0; y < h; y++) {
            System.arraycopy(pixels, ((y0 + y) * width + x0) * CHANNELS, out, y * w * CHANNELS, w * CHANNELS);
        }
        return new Image(w, h, out);
    }

    /** RGB to BGR or back. */
    public Image swapRedBlue() {
        byte[] out = new byte[pixels.length];
        for (int i = 0; i < out.length; i += CHANNELS) {
            out[i] = pixels[i + 2];
            out[i + 1] = pixels[i + 1];
            out[i + 2] = pixels[i];
        }
        return new Image(width, height, out);
    }
}
