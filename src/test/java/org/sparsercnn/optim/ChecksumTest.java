package org.sparsercnn.optim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class ChecksumTest {
    /** The sum over words of word * (2 place + 1), in four times 16 bits. */
    private static float[] wanted(int[] words) {
        long sum = 0;
        for (int i = 0; i < words.length; i++) {
            sum += Integer.toUnsignedLong(words[i]) * (2L * i + 1);
        }
        float[] quarters = new float[Checksum.SIZE];
        for (int k = 0; k < quarters.length; k++) {
            quarters[k] = sum >>> 16 * k & 0xFFFF;
        }
        return quarters;
    }

    private static int[] bits(float[] values) {
        int[] words = new int[values.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = Float.floatToRawIntBits(values[i]);
        }
        return words;
    }

    @Test
    void any_size_and_type_has_the_sum_of_its_words() {
        Random random = new Random(1);
        try (Device device = new CpuDevice(2, -1); Scope scope = new Scope(device)) {
            float[] one = {-0.0f};
            float[] many = Array.normal(random, 3 * 16384 + 5).floats();
            many[7] = Float.NaN;
            Tensor numbers = scope.empty(DType.I64, Shape.of(2));
            numbers.set(new long[] {-2, 1L << 40});
            Tensor none = scope.empty(Shape.of(0));
            Tensor small = scope.hold(Tensor.of(device, one, 1));
            Tensor large = scope.hold(Tensor.of(device, many, many.length));
            float[] got = Checksum.of(scope, List.of(small, none, numbers, large)).toFloats();
            float[][] all = {wanted(bits(one)), wanted(new int[0]), wanted(new int[] {-2, -1, 0, 1 << 8}), wanted(bits(many))};
            for (int t = 0; t < all.length; t++) {
                for (int k = 0; k < Checksum.SIZE; k++) {
                    assertThat(got[t * Checksum.SIZE + k]).as("tensor %d", t).isEqualTo(all[t][k]);
                }
            }
        }
    }

    /** Rank 0's zero may be another's minus zero, and two values may have changed places. */
    @Test
    void each_bit_and_place_counts() {
        try (Device device = new CpuDevice(1, -1); Scope scope = new Scope(device)) {
            float[][] near = {{0, 1, 2}, {-0.0f, 1, 2}, {1, 0, 2}, {0, Math.nextUp(1f), 2}};
            float[] sums = Checksum.of(scope, Arrays.stream(near).map(v -> scope.hold(Tensor.of(device, v, v.length))).toList()).toFloats();
            List<String> texts = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                texts.add(Arrays.toString(Arrays.copyOfRange(sums, 4 * t, 4 * t + 4)));
            }
            assertThat(texts).doesNotHaveDuplicates();
        }
    }
}
