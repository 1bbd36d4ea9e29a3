package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.testing.Array;

class GroupNormSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "gamma", "beta");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Set<String> fp32Inputs() {
        return Set.of("gamma", "beta");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", GroupNorm.apply(tape, in.get("x"), attrs.get("groups").asInt(), Permute.dense(tape, in.get("gamma")),
                Permute.dense(tape, in.get("beta")), attrs.get("eps").asDouble(), attrs.get("relu").asBoolean()));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        return Map.of("y", normalised(x, x.size(0), attrs.get("groups").asInt(), in.get("gamma"), in.get("beta"),
                attrs.get("eps").asDouble(), attrs.get("relu").asBoolean()));
    }

    /** Reference of group norm on (N, …, C); batch norm is one image and a group for each channel. */
    static Array normalised(Array x, int images, int groups, Array gamma, Array beta, double eps, boolean relu) {
        Array y = x.copy();
        int cols = x.size(-1);
        int depth = cols / groups;
        int rows = images == 0 ? 0 : x.values().length / images / cols;
        for (int g = 0; g < images * groups; g++) {
            int start = g / groups * rows * cols + g % groups * depth;
            double mean = 0;
            double var = 0;
            for (int i = 0; i < rows * depth; i++) {
                mean += x.values()[start + i / depth * cols + i % depth] / (rows * depth);
            }
            for (int i = 0; i < rows * depth; i++) {
                var += Math.pow(x.values()[start + i / depth * cols + i % depth] - mean, 2) / (rows * depth);
            }
            for (int i = 0; i < rows * depth; i++) {
                int at = start + i / depth * cols + i % depth;
                double v = (x.values()[at] - mean) / Math.sqrt(var + eps) * gamma.values()[at % cols] + beta.values()[at % cols];
                y.values()[at] = relu ? Math.max(v, 0) : v;
            }
        }
        return y;
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 2, false, 0, 2, 3, 4), sample(r, 1, false, 1, 1, 2, 2), sample(r, 3, false, 2, 3, 5, 6),
                sample(r, 3, true, 2, 3, 5, 6),
                sample(r, 7, true, 1, 4, 3, 7), sample(r, 1, true, 2, 2, 3, 5), sample(r, 2, true, 1, 17, 9, 4),
                sample(r, 2, false, 2, 0, 3, 4));
    }

    private static Sample sample(Random r, int groups, boolean relu, long... shape) {
        long c = shape[3];
        return Sample.of(Arrays.toString(shape) + " " + groups + " groups" + (relu ? " relu" : ""),
                "{'eps': 1e-5, 'groups': " + groups + ", 'relu': " + relu + "}",
                "x", Array.normal(r, shape), "gamma", Array.normal(r, c), "beta", Array.normal(r, c));
    }

    @Test
    void a_large_mean_costs_no_digits() {
        Random r = new Random(2);
        Array x = Array.uniform(r, 4096, 4098, 1, 50, 40, 8);
        Sample s = Sample.of("", "{'eps': 1e-5, 'groups': 4, 'relu': false}", "x", x, "gamma", Array.uniform(r, 1, 2, 8), "beta",
                Array.normal(r, 8));
        Array wanted = reference(s.in(), s.attrs()).get("y");
        try (Device device = new CpuDevice(1, -1)) {
            // The mean is kept in fp32: half an ulp of it (2^-12) times the largest gamma / deviation.
            close("y", execute(device, s, Map.of(), Set.of(), false).out().get("y"), wanted, 0x1p-12 * 2 * Math.sqrt(3) + 1e-5);
        }
    }

    @Test
    void groups_must_divide_the_channels() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable x = Variable.constant(tape.empty(1, 2, 2, 6));
            assertThatThrownBy(() -> GroupNorm.apply(tape, x, 4, x, x, 1e-5, false)).hasMessageContaining("4 groups");
        }
    }
}
