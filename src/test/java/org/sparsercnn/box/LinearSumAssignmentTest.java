package org.sparsercnn.box;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

class LinearSumAssignmentTest {
    private static final double INF = Double.POSITIVE_INFINITY;

    @Test
    void numbersThatAreNoCostAreRefusedWithTheirPlace() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LinearSumAssignment.solve(new double[] {0, Double.NaN, 1, 2}, 2, 2))
                .withMessageContaining("invalid numeric entries").withMessageContaining("(0, 1)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LinearSumAssignment.solve(new double[] {0, -INF, 1, 2}, 2, 2))
                .withMessageContaining("invalid numeric entries");
    }

    @Test
    void infinityForbidsAPair() {
        assertThat(LinearSumAssignment.solve(new double[] {INF, 1, 1, INF}, 2, 2)[1]).containsExactly(1, 0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LinearSumAssignment.solve(new double[] {INF, INF, 1, 2}, 2, 2))
                .withMessageContaining("infeasible");
    }

    @Test
    void noRowsOrNoColumnsGiveNoPairs() {
        for (int[] shape : new int[][] {{0, 0}, {5, 0}, {0, 5}}) {
            int[][] pairs = LinearSumAssignment.solve(new double[0], shape[0], shape[1]);
            assertThat(pairs[0]).isEmpty();
            assertThat(pairs[1]).isEmpty();
        }
    }

    @Test
    void aShapeThatContradictsTheArrayIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> LinearSumAssignment.solve(new double[5], 2, 3));
    }

    @Test
    void constantCostsPairInOrder() {
        int[][] pairs = LinearSumAssignment.solve(new double[] {1, 1, 1, 1, 1, 1}, 2, 3);
        assertThat(pairs[0]).containsExactly(0, 1);
        assertThat(pairs[1]).containsExactly(0, 1);
    }

    @Test
    void theSumIsTheLeastOfAllAssignments() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
        for (int trial = 0; trial < 200; trial++) {
            int rows = 1 + random.nextInt(5);
            int cols = 1 + random.nextInt(5);
            double[] cost = random.doubles((long) rows * cols, -1, 1).toArray();
            int[][] pairs = LinearSumAssignment.solve(cost, rows, cols);
            double total = 0;
            for (int i = 0; i < pairs[0].length; i++) {
                total += cost[pairs[0][i] * cols + pairs[1][i]];
            }
            assertThat(pairs[0]).hasSize(Math.min(rows, cols)).isSorted().doesNotHaveDuplicates();
            assertThat(pairs[1]).doesNotHaveDuplicates();
            assertThat(total).isCloseTo(leastSum(cost, rows, cols, 0, 0, Math.max(0, rows - cols)), within(1e-12));
        }
    }

    /** Every assignment tried; {@code spare} rows may stay without a column. */
    private static double leastSum(double[] cost, int rows, int cols, int row, int usedCols, int spare) {
        if (row == rows) {
            return 0;
        }
        double best = spare > 0 ? leastSum(cost, rows, cols, row + 1, usedCols, spare - 1) : INF;
        for (int col = 0; col < cols; col++) {
            if ((usedCols & 1 << col) == 0) {
                best = Math.min(best, cost[row * cols + col] + leastSum(cost, rows, cols, row + 1, usedCols | 1 << col, spare));
            }
        }
        return best;
    }
}
