package org.sparsercnn.data;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Pillow's {@code Image.resize((w, h), BILINEAR)}, bit for bit: a triangle filter that widens when shrinking, first along
 * rows, then along columns, with 22-bit fixed-point weights and 8-bit pixels between the passes (Pillow's Resample.c).
 *
 * <p>Both passes go row by row, so that what is between them stays in the cache. A row is three planes of ints, and each
 * loop over them reads and writes whole arrays with one store, which is what the compiler turns into vector code; only
 * picking a row's pixels and writing them back go one by one.
 */
public final class Resize {
    /** 32 bits less 8 for the pixel less 2 for sums of weights above one. */
    private static final int PRECISION_BITS = 32 - 8 - 2;
    private static final int HALF = 1 << (PRECISION_BITS - 1);

    private static final VarHandle EIGHT_BYTES = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final Image image;
    private final int width;
    private final Weights across;
    private final Weights down;
    /** The last rows after the first pass, [row % length][channel]; sums whose upper bits are the pixels. */
    private final int[][][] rows;
    private int rowsDone;
    private final byte[] stored; // a row of the picture and room to read beyond
    private final int[] even; // pixels of which two are weighted at once
    private final int[] odd;
    private final int[] half;
    private final int[][] sums;

    private Resize(Image image, int newWidth, int newHeight) {
        this.image = image;
        this.width = newWidth;
        this.across = Weights.triangle(image.width(), newWidth);
        this.down = Weights.triangle(image.height(), newHeight);
        this.rows = new int[down.taps()][Image.CHANNELS][newWidth];
        this.stored = new byte[(image.width() + across.taps()) * Image.CHANNELS + Long.BYTES];
        this.even = new int[newWidth];
        this.odd = new int[newWidth];
        this.half = new int[newWidth];
        this.sums = new int[Image.CHANNELS][newWidth];
        Arrays.fill(half, HALF);
    }

    /** {@code image} at {@code newWidth x newHeight}; the same object if that is its size. */
    public static Image bilinear(Image image, int newWidth, int newHeight) {
        if (newWidth < 1 || newHeight < 1) {
            throw new IllegalArgumentException("cannot resize to " + newWidth + "x" + newHeight);
        }
        if (newWidth == image.width() && newHeight == image.height()) {
            return image;
        }
        byte[] out = new byte[Math.multiplyExact(Math.multiplyExact(newWidth, Image.CHANNELS), newHeight)];
        Resize resize = new Resize(image, newWidth, newHeight);
        for (int y = 0; y < newHeight; y++) {
            resize.row(y, out);
        }
        return new Image(newWidth, newHeight, out);
    }

    /** Row {@code y} of the result, from those of the first pass that it needs. */
    private void row(int y, byte[] out) {
        int first = down.first[y];
        int last = image.height() - 1;
        while (rowsDone <= Math.min(first + down.taps() - 1, last)) {
            firstPass(rowsDone, rows[rowsDone % rows.length]);
            rowsDone++;
        }
        for (int k = 0; k < down.taps(); k += 2) { // where there are fewer rows than taps, the weight is 0
            int[][] a = rows[Math.min(first + k, last) % rows.length];
            int[][] b = rows[Math.min(first + k + 1, last) % rows.length];
            for (int c = 0; c < Image.CHANNELS; c++) {
                add(k == 0 ? half : sums[c], a[c], b[c], down.fixed[k][y], down.fixed[k + 1][y], sums[c]);
            }
        }
        pack(sums[0], sums[1], sums[2], even);
        store(even, out, y * width * Image.CHANNELS);
    }

    private void firstPass(int y, int[][] to) {
        int length = image.width() * Image.CHANNELS;
        System.arraycopy(image.pixels(), y * length, stored, 0, length);
        for (int k = 0; k < across.taps(); k += 2) {
            pick(stored, across.first, k, even, odd);
            for (int c = 0; c < Image.CHANNELS; c++) {
                add(k == 0 ? half : to[c], even, odd, Byte.SIZE * c, across.fixed[k], across.fixed[k + 1], to[c]);
            }
        }
    }

    // One loop each: small enough for the compiler to see that the arrays' ends are not overrun.

    /** Two neighbouring pixels for each place, packed with red lowest; their highest byte is anything. */
    private static void pick(byte[] row, int[] first, int tap, int[] a, int[] b) {
        for (int x = 0; x < a.length; x++) {
            long both = (long) EIGHT_BYTES.get(row, (first[x] + tap) * Image.CHANNELS);
            a[x] = (int) both;
            b[x] = (int) (both >>> Image.CHANNELS * Byte.SIZE);
        }
    }

    private static void add(int[] from, int[] a, int[] b, int shift, int[] weightA, int[] weightB, int[] to) {
        for (int x = 0; x < to.length; x++) {
            to[x] = from[x] + (a[x] >>> shift & 0xFF) * weightA[x] + (b[x] >>> shift & 0xFF) * weightB[x];
        }
    }

    private static void add(int[] from, int[] a, int[] b, int weightA, int weightB, int[] to) {
        for (int x = 0; x < to.length; x++) {
            to[x] = from[x] + (a[x] >> PRECISION_BITS) * weightA + (b[x] >> PRECISION_BITS) * weightB;
        }
    }

    /** Sums to pixels. None is below 0 or above 255.5, so nothing has to be cut off. */
    private static void pack(int[] red, int[] green, int[] blue, int[] pixels) {
        for (int x = 0; x < pixels.length; x++) {
            pixels[x] = red[x] >> PRECISION_BITS | green[x] >> PRECISION_BITS << 8 | blue[x] >> PRECISION_BITS << 16;
        }
    }

    /** Four bytes a pixel, of which the next pixel overwrites the last one. */
    private static void store(int[] pixels, byte[] out, int to) {
        int last = pixels.length - 1;
        for (int x = 0; x < last; x++) {
            Image.FOUR_BYTES.set(out, to + x * Image.CHANNELS, pixels[x]);
        }
        for (int c = 0; c < Image.CHANNELS; c++) {
            out[to + last * Image.CHANNELS + c] = (byte) (pixels[last] >> Byte.SIZE * c);
        }
    }

    /**
     * Which inputs make output {@code i}: those from {@code first[i]} on, with the weights {@code fixed[0][i]},
     * {@code fixed[1][i]}, …, an even number of them, the last ones perhaps 0.
     */
    private record Weights(int[] first, int[][] fixed) {
        static Weights triangle(int inSize, int outSize) {
            double scale = (double) inSize / outSize;
            double support = Math.max(scale, 1.0); // the triangle's half width, in input pixels
            double shrink = 1.0 / support;
            double[] weight = new double[(int) Math.ceil(support) * 2 + 1];
            int[] first = new int[outSize];
            int[][] fixed = new int[weight.length + 1][outSize];
            int taps = 2;
            for (int i = 0; i < outSize; i++) {
                double center = (i + 0.5) * scale;
                int from = Math.max(0, (int) (center - support + 0.5));
                int n = Math.min(inSize, (int) (center + support + 0.5)) - from;
                double total = 0;
                for (int k = 0; k < n; k++) {
                    weight[k] = Math.max(0, 1.0 - Math.abs((k + from - center + 0.5) * shrink));
                    total += weight[k];
                }
                for (int k = 0; k < n; k++) {
                    fixed[k][i] = (int) (0.5 + weight[k] / total * (1 << PRECISION_BITS));
                }
                first[i] = from;
                taps = Math.max(taps, n + n % 2);
            }
            return new Weights(first, Arrays.copyOf(fixed, taps));
        }

        int taps() {
            return fixed.length;
        }
    }
}
