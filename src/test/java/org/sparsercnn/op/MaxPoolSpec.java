package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
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
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class MaxPoolSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("max_pool2d");
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
        Variable y = MaxPool.apply(tape, Nhwc.in(tape, in.get("x"), attrs), attrs.get("kernel").asInt(), attrs.get("stride").asInt(),
                attrs.get("padding").asInt());
        return Map.of("y", Nhwc.out(tape, y, attrs));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        int size = attrs.get("kernel").asInt();
        int stride = attrs.get("stride").asInt();
        int pad = attrs.get("padding").asInt();
        int channels = x.size(3);
        Array y = Array.zeros(x.shape()[0], (x.size(1) + 2 * pad - size) / stride + 1,
                (x.size(2) + 2 * pad - size) / stride + 1, channels);
        Arrays.setAll(y.values(), at -> {
            int left = at / channels % y.size(2) * stride - pad;
            int top = at / channels / y.size(2) % y.size(1) * stride - pad;
            int n = at / channels / y.size(2) / y.size(1);
            double max = Double.NEGATIVE_INFINITY;
            for (int iy = Math.max(top, 0); iy < Math.min(top + size, x.size(1)); iy++) {
                for (int ix = Math.max(left, 0); ix < Math.min(left + size, x.size(2)); ix++) {
                    max = Math.max(max, x.values()[((n * x.size(1) + iy) * x.size(2) + ix) * channels + at % channels]);
                }
            }
            return max;
        });
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 3, 2, 1, 0, 4, 5, 3), sample(r, 3, 2, 1, 1, 1, 1, 1), sample(r, 3, 2, 1, 2, 7, 6, 5),
                sample(r, 1, 2, 0, 2, 5, 4, 3), sample(r, 2, 2, 0, 1, 5, 7, 20),
                sample(r, 3, 2, 1, 1, 4, 5, 33), sample(r, 3, 1, 1, 1, 4, 3, 2), sample(r, 5, 3, 2, 1, 9, 8, 3),
                sample(r, 2, 3, 0, 1, 8, 9, 3));
    }

    private static Sample sample(Random r, int size, int stride, int pad, long... shape) {
        return Sample.of(Arrays.toString(shape) + " " + size + "x" + size + " stride " + stride,
                "{'layout': 'NHWC', 'kernel': " + size + ", 'stride': " + stride + ", 'padding': " + pad + "}", "x",
                Array.normal(r, shape));
    }

    @Test
    void nan_wins_and_takes_the_gradient() {
        Array x = new Array(new double[] {1, Double.NaN, 3, -1, -2, Double.NEGATIVE_INFINITY}, 1, 1, 6, 1);
        Sample s = Sample.of("", "{'layout': 'NHWC', 'kernel': 1, 'stride': 1, 'padding': 0}", "x", x);
        Sample wide = new Sample("", s.in(), Sample.of("", "{'layout': 'NHWC', 'kernel': 3, 'stride': 3, 'padding': 1}").attrs());
        try (Device device = new CpuDevice(1, -1)) {
            Result same = execute(device, s, Map.of("y", new Array(new double[] {1, 2, 3, 4, 5, 6}, 1, 1, 6, 1)), Set.of("x"), false);
            assertThat(same.out().get("y").values()).containsExactly(x.values());
            Result r = execute(device, wide, Map.of("y", new Array(new double[] {7, 8}, 1, 1, 2, 1)), Set.of("x"), false);
            assertThat(r.out().get("y").values()).containsExactly(Double.NaN, 3);
            assertThat(r.grad().get("x").values()).containsExactly(0, 7, 8, 0, 0, 0);
        }
    }

    @Test
    void inference_gives_the_same_output() {
        Sample s = sample(new Random(5), 3, 2, 1, 2, 7, 6, 37);
        Array wanted = reference(s.in(), s.attrs()).get("y");
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Array x = s.in().get("x");
            Variable v = Variable.constant(tape.scope().hold(Tensor.of(device, x.floats(), x.shape())));
            close("y", array(run(tape, Map.of("x", v), s.attrs()).get("y").value()), wanted, 0);
        }
    }

    @Test
    void too_much_padding_is_refused() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable x = Variable.constant(tape.empty(1, 4, 4, 1));
            assertThatThrownBy(() -> MaxPool.apply(tape, x, 2, 2, 2)).hasMessageContaining("padding 2");
        }
    }
}
