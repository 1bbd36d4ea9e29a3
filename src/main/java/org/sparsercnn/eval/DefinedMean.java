package org.sparsercnn.eval;

import java.util.Arrays;

/**
 * The mean of the values that are defined, summed in pairs as numpy sums: a printed number whose last digit is a tie then falls
 * on the side on which pycocotools' falls.
 */
final class DefinedMean {
    private static final int LANES = 8;
    private static final int BLOCK = 128;

    private double[] values = new double[1024];
    private int count;

    void add(double value) {
        if (value > PrecisionRecall.UNDEFINED) {
            if (count == values.length) {
                values = Arrays.copyOf(values, 2 * count);
            }
            values[count++] = value;
        }
    }

    /** {@link PrecisionRecall#UNDEFINED} when nothing was defined. */
    double value() {
        return count == 0 ? PrecisionRecall.UNDEFINED : sum(0, count) / count;
    }

    private double sum(int from, int n) {
        if (n > BLOCK) {
            int half = n / 2 - n / 2 % LANES;
            return sum(from, half) + sum(from + half, n - half);
        }
        double sum = 0;
        int i = 0;
        if (n >= LANES) {
            double[] lanes = Arrays.copyOfRange(values, from, from + LANES);
            for (i = LANES; i < n - n % LANES; i++) {
                lanes[i % LANES] += values[from + i];
            }
            sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
        }
        for (; i < n; i++) {
            sum += values[from + i];
        }
        return sum;
    }
}
