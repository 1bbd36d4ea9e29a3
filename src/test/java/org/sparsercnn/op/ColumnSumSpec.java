package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

/** Not an op of its own, so no {@link OpSpec}: sums of rows against float64, and equal bits for any number of threads. */
class ColumnSumSpec {
    @ParameterizedTest
    @CsvSource({"0, 3", "1, 1", "63, 5", "130, 64", "1000, 83", "20000, 3", "1, 0"})
    void sums_columns(int rows, int cols) {
        Array x = Array.normal(new Random(rows), rows, cols);
        float[] got = sum(x, 1, 1);
        for (int c = 0; c < cols; c++) {
            double sum = 0;
            double size = 0;
            for (int r = 0; r < rows; r++) {
                sum += x.values()[r * cols + c];
                size += Math.abs(x.values()[r * cols + c]);
            }
            assertThat((double) got[c]).as("column " + c).isCloseTo(sum, within(3e-7 * size));
        }
        assertThat(sum(x, 3, 1)).containsExactly(got);
    }

    @ParameterizedTest
    @CsvSource({"1, 300, 7", "5, 70, 3", "3, 1, 17"})
    void sums_each_matrix_of_a_batch(int count, int rows, int cols) {
        Array x = Array.normal(new Random(rows), count, rows, cols);
        float[] got = sum(x, 2, count);
        for (int i = 0; i < count * cols; i++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += x.values()[(i / cols * rows + r) * cols + i % cols];
            }
            assertThat((double) got[i]).isCloseTo(sum, within(3e-7 * rows));
        }
    }

    private static float[] sum(Array x, int threads, int count) {
        try (Device device = new CpuDevice(threads, -1); Tape tape = Tape.inference(device)) {
            Tensor in = tape.scope().hold(Tensor.of(device, x.floats(), x.shape()));
            int cols = x.size(-1);
            return ColumnSum.each(tape, in, count, count == 1 ? x.size(-2) : x.size(1), cols).toFloats();
        }
    }
}
