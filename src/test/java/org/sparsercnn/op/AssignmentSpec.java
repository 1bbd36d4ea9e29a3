package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.box.LinearSumAssignment;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.util.Json;

/** Pair by pair what {@link LinearSumAssignment} finds, which is pair by pair what SciPy finds; ties included. */
class AssignmentSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of();
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Tensor cost = Permute.dense(tape, in.get("cost")).value();
        int[] match = Assignment.apply(tape, cost, problem(tape, cost, Problems.counts(attrs))).toInts();
        float[] floats = new float[match.length];
        for (int i = 0; i < match.length; i++) {
            floats[i] = match[i];
        }
        return Map.of("match", Variable.constant(tape.floats(floats, cost.size(0), Problems.counts(attrs).length, cost.size(2))));
    }

    /** Of which an assignment needs the sizes alone. */
    private static MatchCost.Problem problem(Tape tape, Tensor cost, int[] counts) {
        int objects = Arrays.stream(counts).sum();
        return Problems.of(tape, tape.empty(cost.size(0), counts.length, cost.size(2), 1), tape.empty(cost.size(0), counts.length, cost.size(2), 4),
                tape.empty(counts.length, 4), new float[objects], new float[4 * objects], counts);
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array cost = in.get("cost");
        int[] counts = Problems.counts(attrs);
        int proposals = cost.size(2);
        Array match = Array.zeros(cost.size(0), counts.length, proposals);
        Arrays.fill(match.values(), -1);
        for (int s = 0; s < cost.size(0); s++) {
            for (int n = 0, first = 0; n < counts.length; first += counts[n++]) {
                int at = (s * cost.size(1) + first) * proposals;
                int[][] pairs = LinearSumAssignment.solve(transposed(cost.values(), at, counts[n], proposals), proposals, counts[n]);
                for (int i = 0; i < pairs[0].length; i++) {
                    match.values()[(s * counts.length + n) * proposals + pairs[0][i]] = first + pairs[1][i];
                }
            }
        }
        return Map.of("match", match);
    }

    private static double[] transposed(double[] values, int from, int rows, int cols) {
        double[] result = new double[rows * cols];
        for (int i = 0; i < result.length; i++) {
            result[i % cols * rows + i / cols] = values[from + i];
        }
        return result;
    }

    @Override
    protected List<Sample> samples(Random r) {
        List<Sample> samples = new ArrayList<>(List.of(sample(r, 0, 1, 7, 3), sample(r, 0, 1, 3, 7), sample(r, 0, 2, 5, 5, 0, 1),
                sample(r, 0, 1, 1, 1), sample(r, 0, 1, 4, 0), sample(r, 0, 3, 40, 37, 40, 45), sample(r, 1, 1, 6, 6), sample(r, 0, 1, 0, 2)));
        for (int values : new int[] {1, 2, 3, 5}) { // ties
            samples.add(sample(r, values, 2, 9, 9, 4, 14));
            samples.add(sample(r, values, 1, 33, 32, 33, 34));
        }
        return samples;
    }

    /** @param values how many different costs there are; 0: as many as there are pairs */
    private static Sample sample(Random r, int values, int stages, int proposals, int... counts) {
        Array cost = Array.normal(r, stages, Arrays.stream(counts).sum(), proposals);
        if (values > 0) {
            Arrays.setAll(cost.values(), _ -> r.nextInt(values));
        }
        return Sample.of(stages + " x " + Arrays.toString(counts) + " of " + proposals + (values > 0 ? ", " + values + " costs" : ""),
                "{'counts': " + Arrays.toString(counts) + "}", "cost", cost);
    }

    /** 200 raw problems and 100 cost blocks of the published matcher, their costs rounded to fp32. */
    @Test
    void recordedProblems() throws IOException {
        JsonNode problems;
        ByteBuffer costs;
        try (InputStream json = resource("problems.json"); InputStream packed = new GZIPInputStream(resource("costs.bin.gz"))) {
            problems = Json.MAPPER.readTree(json).get("problems");
            costs = ByteBuffer.wrap(packed.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        }
        int asRecorded = 0;
        try (Device device = new CpuDevice(2, -1)) {
            for (JsonNode p : problems) {
                Array cost = Array.zeros(p.get("rows").asLong(), p.get("cols").asLong());
                boolean exact = true;
                for (int i = 0; i < cost.values().length; i++) {
                    double c = costs.getDouble();
                    cost.values()[i] = (float) c;
                    exact &= (float) c == c;
                }
                if (Arrays.stream(cost.values()).allMatch(Double::isFinite)) {
                    int[][] pairs = solve(device, cost);
                    int[][] wanted = LinearSumAssignment.solve(cost.values(), cost.size(0), cost.size(1));
                    assertThat(pairs[0]).as(p.get("name").asText()).containsExactly(wanted[0]);
                    assertThat(pairs[1]).as(p.get("name").asText()).containsExactly(wanted[1]);
                    if (exact) {
                        assertThat(pairs[1]).as(p.get("name").asText()).containsExactly(Json.MAPPER.convertValue(p.get("col"), int[].class));
                        asRecorded++;
                    }
                }
            }
        }
        assertThat(asRecorded).isGreaterThan(100);
    }

    private static InputStream resource(String name) {
        return AssignmentSpec.class.getResourceAsStream("/golden/matcher-assignment/" + name);
    }

    /** @param cost (P, M) */
    private static int[][] solve(Device device, Array cost) {
        int proposals = cost.size(0);
        int objects = cost.size(1);
        try (Tape tape = Tape.inference(device)) {
            Array byObject = new Array(transposed(cost.values(), 0, proposals, objects), 1, objects, proposals);
            Tensor c = tape.floats(byObject.floats(), 1, objects, proposals);
            int[] match = Assignment.apply(tape, c, problem(tape, c, new int[] {objects})).toInts();
            int[] matched = java.util.stream.IntStream.range(0, proposals).filter(p -> match[p] >= 0).toArray();
            return new int[][] {matched, Arrays.stream(matched).map(p -> match[p]).toArray()};
        }
    }

    /** Costs that are not finite leave proposals without an object; nothing hangs or falls. */
    @Test
    void costsThatAreNotFinite() {
        try (Device device = new CpuDevice(1, -1)) {
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                Array cost = Array.zeros(5, 3);
                Arrays.fill(cost.values(), bad);
                assertThat(solve(device, cost)[0].length).isLessThanOrEqualTo(3);
            }
        }
    }
}
