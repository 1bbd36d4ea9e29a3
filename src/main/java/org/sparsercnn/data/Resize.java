package org.sparsercnn.data;

/**
 * Pillow's {@code Image.resize((w, h), BILINEAR)}, bit for bit: a triangle filter that widens when shrinking, first along
 * rows, then along columns, with 22-bit fixed-point weights and 8-bit pixels between the passes (Pillow's Resample.c).
 */
public final class Resize {
    /** 32 bits less 8 for the pixel less 2 for sums of weights above one. */
    private static final int PRECISION_BITS = 32 - 8 - 2;

    private static final int HALF = 1 << (PRECISION_BITS - 1);

    private Resize() {}

    /** {@code image} at {@code newWidth x newHeight}; the same object if that is its size. */
    public static Image bilinear(Image image, int newWidth, int newHeight) {
        if (newWidth < 1 || newHeight < 1) {
            throw new IllegalArgumentException("cannot resize to " + newWidth + "x" + newHeight);
        }
        Image wide = newWidth == image.width() ? image : alongRows(image, newWidth);
        return newHeight == image.height() ? wide : alongColumns(wide, newHeight);
    }

    private static Image alongRows(Image image, int newWidth) {
        Weights weights = Weights.triangle(image.width(), newWidth);
        int[] first = weights.first;
        int[] count = weights.count;
        int[] fixed = weights.fixed;
        byte[] in = image.pixels();
        byte[] out = new byte[Math.multiplyExact(newWidth * Image.CHANNELS, image.height())];
        int[] row = new int[image.width() * Image.CHANNELS]; // one widening per pixel instead of one per tap
        for (int y = 0, to = 0; y < image.height(); y++) {
            int base = y * row.length;
            for (int i = 0; i < row.length; i++) {
                row[i] = in[base + i] & 0xFF;
            }
            for (int x = 0; x < newWidth; x++, to += Image.CHANNELS) {
                int red = HALF;
                int green = HALF;
                int blue = HALF;
                int from = first[x] * Image.CHANNELS;
                int tap = x * weights.taps;
                for (int end = tap + count[x]; tap < end; tap++, from += Image.CHANNELS) {
                    int weight = fixed[tap];
                    red += row[from] * weight;
                    green += row[from + 1] * weight;
                    blue += row[from + 2] * weight;
                }
                out[to] = toByte(red);
                out[to + 1] = toByte(green);
                out[to + 2] = toByte(blue);
            }
        }
        return new Image(newWidth, image.height(), out);
    }

    private static Image alongColumns(Image image, int newHeight) {
        Weights weights = Weights.triangle(image.height(), newHeight);
        int rowLength = image.width() * Image.CHANNELS;
        byte[] in = image.pixels();
        byte[] out = new byte[Math.multiplyExact(rowLength, newHeight)];
        int[] sum = new int[rowLength];
        for (int y = 0; y < newHeight; y++) {
            java.util.Arrays.fill(sum, HALF);
            for (int k = 0; k < weights.count[y]; k++) {
                addRow(sum, in, (weights.first[y] + k) * rowLength, weights.fixed[y * weights.taps + k]);
            }
            storeRow(sum, out, y * rowLength);
        }
        return new Image(image.width(), newHeight, out);
    }

    // Two loops of their own: small enough for the compiler to turn into vector code.
    private static void addRow(int[] sum, byte[] in, int from, int weight) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += (in[from + i] & 0xFF) * weight;
        }
    }

    private static void storeRow(int[] sum, byte[] out, int to) {
        for (int i = 0; i < sum.length; i++) {
            out[to + i] = toByte(sum[i]);
        }
    }

    private static byte toByte(int sum) {
        return (byte) Math.max(0, Math.min(255, sum >> PRECISION_BITS));
    }

    /**
     * Which inputs make output {@code i}: {@code count[i]} of them from {@code first[i]}, with the weights
     * {@code fixed[i*taps …]}.
     */
    private record Weights(int taps, int[] first, int[] count, int[] fixed) {
        static Weights triangle(int inSize, int outSize) {
            double scale = (double) inSize / outSize;
            double support = Math.max(scale, 1.0); // the triangle's half width, in input pixels
            double shrink = 1.0 / support;
            int taps = (int) Math.ceil(support) * 2 + 1;
            int[] first = new int[outSize];
            int[] count = new int[outSize];
            int[] fixed = new int[Math.multiplyExact(outSize, taps)];
            double[] weight = new double[taps];
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
                    fixed[i * taps + k] = (int) (0.5 + weight[k] / total * (1 << PRECISION_BITS));
                }
                first[i] = from;
                count[i] = n;
            }
            return new Weights(taps, first, count, fixed);
        }
    }
}
