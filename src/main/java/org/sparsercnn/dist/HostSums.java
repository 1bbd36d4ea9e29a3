package org.sparsercnn.dist;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.sparsercnn.device.DType;

/** Sums over ranks of values in host memory. */
final class HostSums {
    private static final int BF16_SHIFT = 16;

    private HostSums() {}

    /** Replaces elements {@code from} to {@code to} of each rank's values by their sum, added in fp32 in rank order. */
    static void ofRanks(MemorySegment[] ranks, long from, long to, DType type) {
        switch (type) {
            case F32 -> {
                for (long i = from; i < to; i++) {
                    float sum = ranks[0].getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    for (int r = 1; r < ranks.length; r++) {
                        sum += ranks[r].getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    }
                    for (MemorySegment target : ranks) {
                        target.setAtIndex(ValueLayout.JAVA_FLOAT, i, sum);
                    }
                }
            }
            case BF16 -> {
                for (long i = from; i < to; i++) {
                    float sum = bf16(ranks[0], i);
                    for (int r = 1; r < ranks.length; r++) {
                        sum += bf16(ranks[r], i);
                    }
                    short rounded = toBf16(sum);
                    for (MemorySegment target : ranks) {
                        target.setAtIndex(ValueLayout.JAVA_SHORT, i, rounded);
                    }
                }
            }
            default -> throw new IllegalArgumentException("sums over ranks are fp32 or bf16, not " + type);
        }
    }

    /** {@code sum[i] += other[i]} for bf16 values, each rounded to bf16. */
    static void addBf16(MemorySegment other, MemorySegment sum, long count) {
        for (long i = 0; i < count; i++) {
            sum.setAtIndex(ValueLayout.JAVA_SHORT, i, toBf16(bf16(sum, i) + bf16(other, i)));
        }
    }

    private static float bf16(MemorySegment values, long i) {
        return Float.intBitsToFloat(values.getAtIndex(ValueLayout.JAVA_SHORT, i) << BF16_SHIFT);
    }

    /** The nearest, ties to even; NaN stays NaN. */
    private static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> BF16_SHIFT | 0x40);
        }
        return (short) (bits + 0x7FFF + (bits >>> BF16_SHIFT & 1) >>> BF16_SHIFT);
    }
}
