package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

/** What is said of batch norm holds for one rank that synchronises with itself; and ranks together are batch norm of all rows. */
class SyncBatchNormSpec extends BatchNormSpec {
    private static final int COLS = 5;

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Tensor mean = Permute.copy(tape, in.get("running_mean").value());
        Tensor var = Permute.copy(tape, in.get("running_var").value());
        Variable gamma = Permute.dense(tape, in.get("weight"));
        Variable beta = Permute.dense(tape, in.get("bias"));
        double eps = attrs.get("eps").asDouble();
        boolean relu = attrs.get("relu").asBoolean();
        Variable y = tape.training() ? SyncBatchNorm.synchronise(tape, in.get("x"), gamma, beta, mean, var, 0.1, eps, relu)
                : SyncBatchNorm.apply(tape, in.get("x"), gamma, beta, mean, var, 0.1, eps, relu);
        return Map.of("y", y, "running_mean", Variable.constant(mean), "running_var", Variable.constant(var));
    }

    /** A batch and the gradient of its output; every rank has a share of its rows. */
    private record Batch(float[] x, float[] dy, boolean relu) {
        static Batch random(int rows, double mean, boolean relu) {
            Random r = new Random(9);
            return new Batch(Array.uniform(r, mean - 2, mean + 2, rows, COLS).floats(), Array.normal(r, rows, COLS).floats(), relu);
        }

        Batch rows(int from, int to) {
            return new Batch(Arrays.copyOfRange(x, from * COLS, to * COLS), Arrays.copyOfRange(dy, from * COLS, to * COLS), relu);
        }

        Map<String, float[]> run(Collective group) {
            try (Device device = new CpuDevice(1, -1); Tape tape = Tape.training(device, new Rng(1), DType.F32, group)) {
                Variable in = leaf(tape, x, x.length / COLS, COLS);
                Variable gamma = leaf(tape, new float[] {1, -0.5f, 2, 1.5f, 0.25f}, COLS);
                Variable beta = leaf(tape, new float[] {0, 1, -1, 0.5f, 0}, COLS);
                Tensor mean = tape.floats(new float[] {0, 1, 2, 3, 4}, COLS);
                Tensor var = tape.floats(new float[] {1, 2, 3, 4, 5}, COLS);
                Variable y = SyncBatchNorm.apply(tape, in, gamma, beta, mean, var, 0.1, 1e-5, relu);
                Map<String, float[]> out = new HashMap<>(Map.of("y", y.value().toFloats()));
                tape.backward(List.of(y), List.of(tape.floats(dy, x.length / COLS, COLS)), (a, b) -> Add.sum(tape, a, b), _ -> {});
                Map.of("dx", in, "dgamma", gamma, "dbeta", beta).forEach((name, v) -> {
                    out.put(name, v.grad().toFloats());
                    v.clearGradient();
                });
                out.put("running_mean", mean.toFloats());
                out.put("running_var", var.toFloats());
                return out;
            }
        }

        private static Variable leaf(Tape tape, float[] values, long... shape) {
            return Variable.leaf(tape.floats(values, shape));
        }
    }

    /** @param cuts where the share of each rank but the first begins */
    private static List<Map<String, float[]>> byRanks(Batch batch, int... cuts) {
        int ranks = cuts.length + 1;
        LocalGroup group = new LocalGroup(ranks, 60);
        try (var threads = Executors.newFixedThreadPool(ranks)) {
            return IntStream.range(0, ranks).mapToObj(r -> CompletableFuture.supplyAsync(() -> batch.rows(r == 0 ? 0 : cuts[r - 1],
                    r == ranks - 1 ? batch.x.length / COLS : cuts[r]).run(group.member(r)), threads)).toList().stream().map(CompletableFuture::join).toList();
        }
    }

    private static void near(String name, float[] got, float[] wanted, double relative) {
        double max = IntStream.range(0, wanted.length).mapToDouble(i -> Math.abs(wanted[i])).max().orElse(0);
        assertThat(got).as(name).hasSameSizeAs(wanted);
        for (int i = 0; i < wanted.length; i++) {
            assertThat((double) Math.abs(got[i] - wanted[i])).as("%s[%d], of largest value %s", name, i, max).isLessThanOrEqualTo(relative * max);
        }
    }

    @ParameterizedTest
    @CsvSource({"false, '60'", "true, '13'", "true, '0'", "false, '119'", "true, '60'", "false, '7 7 100'", "true, '30 60 90'", "true, '0 1 120'"})
    void ranks_with_shares_of_a_batch_are_batch_norm_of_the_whole(boolean relu, String cuts) {
        Batch batch = Batch.random(120, 1, relu);
        Map<String, float[]> whole = batch.run(LocalGroup.alone());
        List<Map<String, float[]>> ranks = byRanks(batch, Arrays.stream(cuts.split(" ")).mapToInt(Integer::parseInt).toArray());
        for (String byRow : List.of("y", "dx")) {
            near(byRow, joined(ranks, byRow), whole.get(byRow), 1e-5);
        }
        for (String summed : List.of("dgamma", "dbeta")) {
            float[] sum = new float[COLS];
            for (Map<String, float[]> rank : ranks) {
                for (int c = 0; c < COLS; c++) {
                    sum[c] += rank.get(summed)[c];
                }
            }
            near(summed, sum, whole.get(summed), 1e-5);
        }
        for (String shared : List.of("running_mean", "running_var")) {
            ranks.forEach(rank -> assertThat(rank.get(shared)).as(shared).containsExactly(ranks.getFirst().get(shared)));
            near(shared, ranks.getFirst().get(shared), whole.get(shared), 1e-6);
        }
    }

    private static float[] joined(List<Map<String, float[]>> ranks, String name) {
        FloatBuffer all = FloatBuffer.allocate(ranks.stream().mapToInt(rank -> rank.get(name).length).sum());
        ranks.forEach(rank -> all.put(rank.get(name)));
        return all.array();
    }

    /** Sums of fp32 over ranks are off by ulps of the mean, which the second sum takes back: half an ulp of 4096 (2^-12) by weight 2 is left. */
    @Test
    void a_large_mean_costs_no_digits_over_ranks() {
        Batch batch = Batch.random(200, 4097, false);
        float[] y = batch.run(LocalGroup.alone()).get("y");
        near("y", joined(byRanks(batch, 11, 50, 57, 101, 130, 131, 190), "y"), y, 2 * 0x1p-12);
    }

    @Test
    void rows_that_are_not_finite_on_one_rank_leave_the_running_statistics_of_all_alone() {
        Batch batch = Batch.random(12, 1, true);
        batch.x[2 * COLS + 3] = Float.NaN;
        for (Map<String, float[]> rank : byRanks(batch, 6)) {
            assertThat(rank.get("running_mean")[3]).isEqualTo(3);
            assertThat(rank.get("running_var")[3]).isEqualTo(4);
            assertThat(rank.get("running_mean")[2]).as("another channel").isNotEqualTo(2);
            assertThat(rank.get("y")[3]).isNaN();
        }
    }

    @Test
    void no_rows_at_all_leave_the_running_statistics_alone() {
        for (Map<String, float[]> rank : byRanks(Batch.random(0, 1, true), 0, 0)) {
            assertThat(rank.get("running_mean")).containsExactly(0, 1, 2, 3, 4);
            assertThat(rank.get("dgamma")).containsOnly(0);
        }
    }

    @Test
    void a_rank_alone_has_the_bits_of_batch_norm() {
        Batch batch = Batch.random(120, 1, true);
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.training(device, new Rng(1))) {
            Variable y = BatchNorm.apply(tape, Batch.leaf(tape, batch.x, 120, COLS), Batch.leaf(tape, new float[] {1, -0.5f, 2, 1.5f, 0.25f}, COLS),
                    Batch.leaf(tape, new float[] {0, 1, -1, 0.5f, 0}, COLS), tape.zeros(Shape.of(COLS)),
                    tape.zeros(Shape.of(COLS)), 0.1, 1e-5, true);
            assertThat(batch.run(LocalGroup.alone()).get("y")).containsExactly(y.value().toFloats());
        }
    }
}
