package org.sparsercnn.data.sampleset;

import org.sparsercnn.util.CounterRandom;

/** SplitMix64 (Steele, Lea, Flood 2014), written out so that a sample set is the same on every JDK. */
final class SplitMix64 {
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    private long state;

    /** A stream of its own for each picture of each seed. */
    SplitMix64(long seed, long index) {
        this.state = CounterRandom.mix(CounterRandom.mix(seed) + index * GOLDEN_GAMMA);
    }

    long nextLong() {
        state += GOLDEN_GAMMA;
        return CounterRandom.mix(state);
    }

    /** Uniform in [0, 1). */
    double unit() {
        return (nextLong() >>> 11) * 0x1p-53;
    }

    double between(double low, double high) {
        return low + (high - low) * unit();
    }

    /** Uniform in 0 … n-1. */
    int below(int n) {
        return (int) (unit() * n);
    }

    boolean chance(double probability) {
        return unit() < probability;
    }

    /** A direction as (cos, sin). StrictMath: the same bits everywhere. */
    double[] direction() {
        double angle = between(0, 2 * Math.PI);
        return new double[] {StrictMath.cos(angle), StrictMath.sin(angle)};
    }

    /** A colour as RGB in [0, 1], from hue, saturation and value. */
    float[] color(double minSaturation, double maxSaturation, double minValue, double maxValue) {
        double hue = between(0, 6);
        double saturation = between(minSaturation, maxSaturation);
        double value = between(minValue, maxValue);
        float[] rgb = new float[3];
        for (int c = 0; c < 3; c++) {
            double away = Math.abs((hue + 6 - 2 * c) % 6 - 3); // 3 at the own hue of the channel, 0 at the opposite
            rgb[c] = (float) (value * (1 - saturation * (1 - Math.clamp(away - 1, 0, 1))));
        }
        return rgb;
    }
}
