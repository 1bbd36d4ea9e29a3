package org.sparsercnn.data.sampleset;

/** Scalar patterns over the picture, about -1 to 1, from which ground and objects get their texture. */
@FunctionalInterface
interface Texture {
    float at(int x, int y);

    /** Smooth value noise: random numbers on a grid of {@code cell} pixels, smoothly interpolated between. */
    static Texture noise(SplitMix64 random, int size, double cell) {
        int n = (int) (size / cell) + 3;
        float[] grid = new float[n * n];
        for (int i = 0; i < grid.length; i++) {
            grid[i] = (float) random.between(-1, 1);
        }
        float step = (float) (1 / cell);
        float shiftX = (float) random.unit();
        float shiftY = (float) random.unit();
        return (x, y) -> {
            float u = x * step + shiftX;
            float v = y * step + shiftY;
            int i = (int) u;
            int j = (int) v;
            float a = ease(u - i);
            float b = ease(v - j);
            int at = j * n + i;
            float upper = grid[at] + a * (grid[at + 1] - grid[at]);
            float lower = grid[at + n] + a * (grid[at + n + 1] - grid[at + n]);
            return upper + b * (lower - upper);
        };
    }

    /** Stripes {@code period} pixels apart; {@code sharpness} 1 gives waves, more gives bands with soft edges. */
    static Texture stripes(SplitMix64 random, double period, double sharpness) {
        double[] across = random.direction();
        float dx = (float) (across[0] / period);
        float dy = (float) (across[1] / period);
        float phase = (float) random.unit();
        return (x, y) -> band(x * dx + y * dy + phase, (float) sharpness);
    }

    /** Two crossing sets of stripes: checks, or a woven look. */
    static Texture checks(SplitMix64 random, double period, double sharpness) {
        double[] across = random.direction();
        float dx = (float) (across[0] / period);
        float dy = (float) (across[1] / period);
        float phase = (float) random.unit();
        float s = (float) sharpness;
        return (x, y) -> band(x * dx + y * dy + phase, s) * band(y * dx - x * dy + phase, s);
    }

    /** Rings around a far or near centre, like wood or water. */
    static Texture rings(SplitMix64 random, int size, double period) {
        double centreX = random.between(-0.5, 1.5) * size;
        double centreY = random.between(-0.5, 1.5) * size;
        return (x, y) -> {
            double dx = x - centreX;
            double dy = y - centreY;
            return band((float) (Math.sqrt(dx * dx + dy * dy) / period), 1);
        };
    }

    /** A triangle wave of period 1, clipped after steepening, smoothed. */
    private static float band(float t, float sharpness) {
        float place = t - (float) Math.floor(t);
        float triangle = 4 * Math.abs(place - 0.5f) - 1;
        float clipped = Math.clamp(triangle * sharpness, -1f, 1f);
        return clipped * (1.5f - 0.5f * clipped * clipped);
    }

    private static float ease(float t) {
        return t * t * (3 - 2 * t);
    }
}
