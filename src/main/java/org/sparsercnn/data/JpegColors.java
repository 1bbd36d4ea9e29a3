package org.sparsercnn.data;

import java.util.Arrays;

/**
 * Raw JPEG components to RGB with libjpeg's integer arithmetic (jdcolor.c: 16-bit fixed point) and, for four components,
 * Pillow's reading of CMYK (always stored inverted, as Adobe does).
 */
final class JpegColors {
    private static final int SCALE_BITS = 16;
    private static final int HALF = 1 << (SCALE_BITS - 1);
    private static final int[] CR_TO_RED = table(91881, HALF, SCALE_BITS); // 1.402
    private static final int[] CB_TO_BLUE = table(116130, HALF, SCALE_BITS); // 1.772
    private static final int[] CR_TO_GREEN = table(-46802, 0, 0); // 0.71414; green is rounded after both parts are added
    private static final int[] CB_TO_GREEN = table(-22554, HALF, 0); // 0.34414

    private JpegColors() {}

    /** (n, components) raw samples to (n, 3) RGB; three components are converted in place. */
    static byte[] toRgb(byte[] raw, JpegHeader.Colors colors) {
        return switch (colors) {
            case RGB -> raw;
            case GREY -> grey(raw);
            case YCBCR -> {
                fromYcc(raw, 3, 0);
                yield raw;
            }
            case CMYK -> fromInvertedCmyk(raw);
            case YCCK -> {
                fromYcc(raw, 4, 255); // Y, Cb, Cr hold 255 minus C, M, Y
                yield fromInvertedCmyk(raw);
            }
        };
    }

    static byte[] grey(byte[] raw) {
        byte[] out = new byte[Math.multiplyExact(raw.length, 3)];
        for (int i = 0, to = 0; i < raw.length; i++, to += 3) {
            out[to] = raw[i];
            out[to + 1] = raw[i];
            out[to + 2] = raw[i];
        }
        return out;
    }

    private static void fromYcc(byte[] px, int stride, int complement) {
        for (int i = 0; i + 2 < px.length; i += stride) {
            int y = px[i] & 0xFF;
            int cb = px[i + 1] & 0xFF;
            int cr = px[i + 2] & 0xFF;
            px[i] = (byte) (complement ^ clamp(y + CR_TO_RED[cr]));
            px[i + 1] = (byte) (complement ^ clamp(y + ((CB_TO_GREEN[cb] + CR_TO_GREEN[cr]) >> SCALE_BITS)));
            px[i + 2] = (byte) (complement ^ clamp(y + CB_TO_BLUE[cb]));
        }
    }

    private static byte[] fromInvertedCmyk(byte[] raw) {
        byte[] out = new byte[raw.length / 4 * 3];
        for (int from = 0, to = 0; from < raw.length; from += 4, to += 3) {
            int light = raw[from + 3] & 0xFF; // 255 less black
            for (int c = 0; c < 3; c++) {
                int product = (255 - (raw[from + c] & 0xFF)) * light + 128;
                out[to + c] = (byte) Math.max(0, light - ((product >> 8) + product >> 8)); // product / 255, rounded
            }
        }
        return out;
    }

    /**
     * Chroma of a 4:4:0 file as libjpeg-turbo gives it: three quarters of the nearer and one of the farther row
     * (h1v2_fancy_upsample). ImageIO's older libjpeg only repeats each row, so every second row is the stored one.
     */
    static void smoothChromaRows(byte[] ycc, int width, int height) {
        int row = width * 3;
        byte[] stored = Arrays.copyOfRange(ycc, 0, row);
        byte[] above = stored;
        for (int y = 0; y < height; y += 2) {
            byte[] below = y + 2 < height ? Arrays.copyOfRange(ycc, (y + 2) * row, (y + 3) * row) : stored;
            blendChroma(ycc, y * row, stored, above, 1);
            if (y + 1 < height) {
                blendChroma(ycc, (y + 1) * row, stored, below, 2);
            }
            above = stored;
            stored = below;
        }
    }

    private static void blendChroma(byte[] ycc, int to, byte[] near, byte[] far, int bias) {
        for (int i = 0; i < near.length; i += 3) {
            for (int c = i + 1; c <= i + 2; c++) {
                ycc[to + c] = (byte) ((near[c] & 0xFF) * 3 + (far[c] & 0xFF) + bias >> 2);
            }
        }
    }

    private static int[] table(int factor, int bias, int shift) {
        int[] table = new int[256];
        for (int i = 0; i < table.length; i++) {
            table[i] = factor * (i - 128) + bias >> shift;
        }
        return table;
    }

    private static int clamp(int value) {
        return Math.max(0, Math.min(255, value));
    }
}
