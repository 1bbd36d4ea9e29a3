package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class SoftmaxSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("softmax");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Softmax.apply(tape, in.get("x")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        return Map.of("y", softmax(in.get("x")));
    }

    /** Over the last axis. */
    static Array softmax(Array x) {
        Array y = x.copy();
        double[] v = y.values();
        int cols = x.size(-1);
        for (int at = 0; at < v.length; at += cols) {
            double max = Arrays.stream(v, at, at + cols).max().orElseThrow();
            double sum = 0;
            for (int c = at; c < at + cols; c++) {
                v[c] = Math.exp(v[c] - max);
                sum += v[c];
            }
            for (int c = at; c < at + cols; c++) {
                v[c] /= sum;
            }
        }
        return y;
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                Sample.of("empty", "{}", "x", Array.zeros(0, 3)),
                Sample.of("one", "{}", "x", Array.normal(r, 1, 1)),
                Sample.of("odd", "{}", "x", Array.normal(r, 3, 2, 19)),
                Sample.of("below zero", "{}", "x", Array.uniform(r, -90, -80, 2, 33)),
                Sample.of("far apart", "{}", "x", Array.uniform(r, -1000, 1000, 2, 17)));
    }

    @Test
    void a_nan_or_infinity_spoils_its_own_row_only() {
        float nan = Float.NaN;
        float negativeNan = Float.intBitsToFloat(0xffc00000);
        float infinity = Float.POSITIVE_INFINITY;
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Tensor x = tape.scope().hold(Tensor.of(device, new float[] {1, nan, 3, negativeNan, 5, 6, -infinity, 0, 0, infinity,
                    0, 0}, 4, 3));
            assertThat(Softmax.apply(tape, Variable.constant(x)).value().toFloats())
                    .containsExactly(nan, nan, nan, nan, nan, nan, 0, 0.5f, 0.5f, nan, nan, nan);
        }
    }
}
