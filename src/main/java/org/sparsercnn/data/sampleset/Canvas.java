package org.sparsercnn.data.sampleset;

/** A square picture being painted: RGB in [0, 1] (beyond while painting), quantised at the end. */
final class Canvas {
    /** The colour at a pixel: fills {@code rgb}. */
    @FunctionalInterface
    interface Paint {
        void at(int x, int y, float[] rgb);
    }

    final int size;
    private final float[] pixels;
    private final float[] color = new float[3];

    Canvas(int size) {
        this.size = size;
        this.pixels = new float[3 * size * size];
    }

    /** Paints the polygon, its edges blended by coverage. */
    void fill(Polygon polygon, Paint paint) {
        polygon.cover(size, size, (x, y, coverage) -> blend(x, y, coverage, paint));
    }

    void fillAll(Paint paint) {
        for (int y = 0; y < size; y++) {
            for (int x = 0; x < size; x++) {
                blend(x, y, 1, paint);
            }
        }
    }

    /** Mean colour of what is painted so far below the polygon. */
    float[] mean(Polygon polygon) {
        float[] sum = new float[4];
        polygon.cover(size, size, (x, y, coverage) -> {
            for (int c = 0; c < 3; c++) {
                sum[c] += coverage * pixels[3 * (y * size + x) + c];
            }
            sum[3] += coverage;
        });
        return new float[] {sum[0] / sum[3], sum[1] / sum[3], sum[2] / sum[3]};
    }

    /** RGB bytes, height x width x 3, with film grain of up to {@code grain} levels up or down, equal in all channels. */
    byte[] toRgb(SplitMix64 random, double grain) {
        byte[] rgb = new byte[pixels.length];
        for (int p = 0; p < size * size; p++) {
            double noise = random.between(-grain, grain);
            for (int c = 0; c < 3; c++) {
                rgb[3 * p + c] = (byte) Math.clamp((int) Math.floor(255 * pixels[3 * p + c] + noise + 0.5), 0, 255);
            }
        }
        return rgb;
    }

    private void blend(int x, int y, float coverage, Paint paint) {
        paint.at(x, y, color);
        int at = 3 * (y * size + x);
        for (int c = 0; c < 3; c++) {
            pixels[at + c] += coverage * (color[c] - pixels[at + c]);
        }
    }
}
