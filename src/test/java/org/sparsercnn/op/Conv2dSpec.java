package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class Conv2dSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("conv2d");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "w", "b", "residual");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Set<String> fp32Inputs() {
        return Set.of("w", "b", "scale");
    }

    /** The scaled weights are rounded too. */
    @Override
    protected double bf16Tolerance() {
        return 0x1p-7;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable w = Permute.dense(tape, Nhwc.in(tape, in.get("w"), attrs));
        Variable bias = in.containsKey("b") ? Permute.dense(tape, in.get("b")) : null;
        Tensor scale = in.containsKey("scale") ? Permute.dense(tape, in.get("scale")).value() : null;
        Variable y = Conv2d.apply(tape, Nhwc.in(tape, in.get("x"), attrs), w, attrs.get("stride").asInt(), attrs.get("padding").asInt(),
                new Conv2d.After(scale, bias, in.get("residual"), attrs.path("relu").asBoolean()));
        return Map.of("y", Nhwc.out(tape, y, attrs));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        Array w = in.get("w");
        int stride = attrs.get("stride").asInt();
        int pad = attrs.get("padding").asInt();
        Array y = Array.zeros(x.shape()[0], outputs(x.size(1), w.size(1), stride, pad),
                outputs(x.size(2), w.size(2), stride, pad), w.shape()[0]);
        int at = 0;
        for (int n = 0; n < y.size(0); n++) {
            for (int oy = 0; oy < y.size(1); oy++) {
                for (int ox = 0; ox < y.size(2); ox++) {
                    for (int o = 0; o < y.size(3); o++, at++) {
                        double v = product(x, w, n, oy * stride - pad, ox * stride - pad, o);
                        v = in.containsKey("scale") ? v * in.get("scale").values()[o] : v;
                        v += in.containsKey("b") ? in.get("b").values()[o] : 0;
                        v += in.containsKey("residual") ? in.get("residual").values()[at] : 0;
                        y.values()[at] = attrs.path("relu").asBoolean() ? Math.max(v, 0) : v;
                    }
                }
            }
        }
        return Map.of("y", y);
    }

    private static int outputs(int size, int window, int stride, int pad) {
        return (size + 2 * pad - window) / stride + 1;
    }

    /** The window of image n whose corner is (top, left), times filter o. */
    private static double product(Array x, Array w, int n, int top, int left, int o) {
        double sum = 0;
        int channels = x.size(3);
        for (int ky = 0; ky < w.size(1); ky++) {
            for (int kx = 0; kx < w.size(2); kx++) {
                int iy = top + ky;
                int ix = left + kx;
                if (iy >= 0 && iy < x.size(1) && ix >= 0 && ix < x.size(2)) {
                    int from = ((n * x.size(1) + iy) * x.size(2) + ix) * channels;
                    int tap = ((o * w.size(1) + ky) * w.size(2) + kx) * channels;
                    for (int c = 0; c < channels; c++) {
                        sum += x.values()[from + c] * w.values()[tap + c];
                    }
                }
            }
        }
        return sum;
    }

    @Override
    protected List<Sample> samples(Random r) {
        List<Sample> samples = new ArrayList<>();
        samples.add(sample(r, "", 0, 5, 4, 3, 2, 3, 1, 1));
        samples.add(sample(r, "b", 1, 1, 1, 1, 1, 1, 1, 0));
        samples.add(sample(r, "", 2, 3, 5, 3, 4, 1, 1, 0));
        samples.add(sample(r, "b", 1, 6, 5, 2, 3, 1, 2, 0));
        samples.add(sample(r, "b", 2, 4, 5, 3, 2, 3, 1, 1));
        samples.add(sample(r, "", 1, 7, 6, 2, 3, 3, 2, 1));
        samples.add(sample(r, "b", 1, 8, 7, 3, 2, 7, 2, 3));
        samples.add(sample(r, "", 1, 2, 3, 2, 2, 7, 2, 3));
        samples.add(sample(r, "", 1, 5, 7, 2, 2, 2, 3, 0));
        samples.add(sample(r, "scale b residual relu", 1, 3, 5, 2, 3, 3, 1, 1));
        samples.add(sample(r, "scale b relu", 1, 5, 4, 2, 3, 3, 2, 1));
        samples.add(sample(r, "residual", 1, 3, 2, 2, 3, 1, 1, 0));
        samples.add(sample(r, "b relu", 1, 3, 2, 2, 3, 1, 2, 0));
        return samples;
    }

    /** @param after which of scale, b, residual, relu follow the convolution */
    private static Sample sample(Random r, String after, long n, long h, long w, long ci, long co, int size, int stride, int pad) {
        Map<String, Array> in = new LinkedHashMap<>();
        in.put("x", Array.normal(r, n, h, w, ci));
        in.put("w", Array.normal(r, co, size, size, ci));
        if (after.contains("scale")) {
            in.put("scale", Array.uniform(r, 0.5, 2, co));
        }
        if (after.startsWith("b") || after.contains(" b")) {
            in.put("b", Array.normal(r, co));
        }
        if (after.contains("residual")) {
            in.put("residual", Array.normal(r, n, outputs((int) h, size, stride, pad), outputs((int) w, size, stride, pad), co));
        }
        Sample attrs = Sample.of("", "{'layout': 'NHWC', 'stride': " + stride + ", 'padding': " + pad + ", 'relu': "
                + after.contains("relu") + "}");
        return new Sample("(" + n + ", " + h + ", " + w + ", " + ci + ") to " + co + ", " + size + "x" + size + " stride " + stride + " "
                + after, in, attrs.attrs());
    }

    /** Sizes at which the work is split: strips of pixels, phases of the input gradient, slabs of the weight gradient. */
    @TestFactory
    Stream<DynamicTest> split_work_gives_the_same_numbers() {
        Random r = new Random(3);
        return Stream.of(sample(r, "b residual relu", 2, 33, 40, 24, 48, 3, 1, 1), sample(r, "b", 1, 65, 70, 16, 20, 3, 2, 1),
                sample(r, "", 1, 70, 75, 3, 16, 7, 2, 3), sample(r, "scale b relu", 2, 37, 35, 40, 33, 1, 1, 0),
                sample(r, "", 1, 61, 63, 20, 24, 1, 2, 0)).map(s -> DynamicTest.dynamicTest(s.name(), () -> {
                    Array y = reference(s.in(), s.attrs()).get("y");
                    Map<String, Array> dy = Map.of("y", Array.normal(r, y.shape()));
                    Result one = execute(s, dy, 1);
                    close("y", one.out().get("y"), y, 2e-6 * (1 + scale(y)));
                    Map<String, Array> wanted = gradients(s, one.out().get("y"), dy.get("y"));
                    wanted.forEach((name, g) -> close("grad." + name, one.grad().get(name), g, 4e-6 * (1 + scale(g))));
                    Result four = execute(s, dy, 4);
                    wanted.keySet().forEach(name -> close("grad." + name, four.grad().get(name), one.grad().get(name), 0));
                    close("y", four.out().get("y"), one.out().get("y"), 0);
                }));
    }

    private Result execute(Sample s, Map<String, Array> dy, int threads) {
        try (Device device = new CpuDevice(threads, -1)) {
            return execute(device, s, dy, differentiable(), false);
        }
    }

    /** From the definition, in float64. */
    private static Map<String, Array> gradients(Sample s, Array y, Array cotangent) {
        Array x = s.in().get("x");
        Array w = s.in().get("w");
        Array dx = Array.zeros(x.shape());
        Array dw = Array.zeros(w.shape());
        int stride = s.attrs().get("stride").asInt();
        int pad = s.attrs().get("padding").asInt();
        int channels = x.size(3);
        for (int at = 0; at < y.values().length; at++) {
            int o = at % y.size(3);
            int ox = at / y.size(3) % y.size(2);
            int oy = at / y.size(3) / y.size(2) % y.size(1);
            int n = at / y.size(3) / y.size(2) / y.size(1);
            double dy = s.attrs().get("relu").asBoolean() && y.values()[at] <= 0 ? 0 : cotangent.values()[at];
            dy *= s.in().containsKey("scale") ? s.in().get("scale").values()[o] : 1;
            for (int t = 0; t < w.size(1) * w.size(2); t++) {
                int iy = oy * stride - pad + t / w.size(2);
                int ix = ox * stride - pad + t % w.size(2);
                if (iy >= 0 && iy < x.size(1) && ix >= 0 && ix < x.size(2)) {
                    int from = ((n * x.size(1) + iy) * x.size(2) + ix) * channels;
                    int tap = (o * w.size(1) * w.size(2) + t) * channels;
                    for (int c = 0; c < channels; c++) {
                        dx.values()[from + c] += dy * w.values()[tap + c];
                        dw.values()[tap + c] += dy * x.values()[from + c];
                    }
                }
            }
        }
        return Map.of("x", dx, "w", dw);
    }
}
