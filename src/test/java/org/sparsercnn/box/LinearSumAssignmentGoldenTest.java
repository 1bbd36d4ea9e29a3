package org.sparsercnn.box;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.sparsercnn.util.Json;

/** SciPy's pairs on 200 raw problems and 100 cost blocks of the published matcher: pair by pair, ties included. */
class LinearSumAssignmentGoldenTest {
    record Problem(String name, int rows, int cols, int[] row, int[] col, double total) {}

    record Problems(String what, List<Problem> problems) {}

    @Test
    void pairsAreThoseOfScipy() throws IOException {
        Problems golden;
        ByteBuffer costs;
        try (InputStream json = resource("problems.json");
                InputStream packed = new GZIPInputStream(resource("costs.bin.gz"))) {
            golden = Json.MAPPER.readValue(json, Problems.class);
            costs = ByteBuffer.wrap(packed.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        }
        for (Problem problem : golden.problems()) {
            double[] cost = new double[problem.rows() * problem.cols()];
            for (int i = 0; i < cost.length; i++) {
                cost[i] = costs.getDouble();
            }
            double[] before = cost.clone();
            int[][] pairs = LinearSumAssignment.solve(cost, problem.rows(), problem.cols());
            assertThat(pairs[0]).as(problem.name() + " rows").containsExactly(problem.row());
            assertThat(pairs[1]).as(problem.name() + " columns").containsExactly(problem.col());
            assertThat(cost).as(problem.name() + " costs untouched").containsExactly(before);
            double total = 0;
            for (int i = 0; i < pairs[0].length; i++) {
                total += cost[pairs[0][i] * problem.cols() + pairs[1][i]];
            }
            assertThat(total).as(problem.name() + " total").isCloseTo(problem.total(), within(1e-9 * (1 + Math.abs(total))));
        }
        assertThat(golden.problems()).hasSize(300);
        assertThat(costs.hasRemaining()).isFalse();
    }

    private static InputStream resource(String name) {
        return LinearSumAssignmentGoldenTest.class.getResourceAsStream("/golden/matcher-assignment/" + name);
    }
}
