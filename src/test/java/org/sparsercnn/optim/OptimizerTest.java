package org.sparsercnn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.util.BadInput;

class OptimizerTest {
    private static final double INF = Double.POSITIVE_INFINITY;
    private final Device device = new CpuDevice(1, -1);

    private static Map<String, Array> arrays(long seed, long... sizes) {
        Random random = new Random(seed);
        Map<String, Array> arrays = new LinkedHashMap<>();
        for (int i = 0; i < sizes.length; i++) {
            arrays.put("p" + i, Array.normal(random, sizes[i]));
        }
        return arrays;
    }

    /** Plain SGD with lr 1 shows the gradient that is applied. */
    private Map<String, double[]> applied(Clipping clipping, Map<String, Array> gradients) {
        Map<String, Array> zeros = new LinkedHashMap<>();
        gradients.forEach((name, g) -> zeros.put(name, Array.zeros(g.shape())));
        Map<String, double[]> out = new LinkedHashMap<>();
        try (Workbench w = new Workbench(device, zeros, 0, params -> new Sgd(device, params, clipping, 0, false))) {
            w.step(1, gradients, 1);
            gradients.keySet().forEach(name -> {
                float[] v = w.value(name);
                out.put(name, IntStream.range(0, v.length).mapToDouble(i -> -v[i]).toArray());
            });
        }
        return out;
    }

    private static double norm(double[] g, double p) {
        return p == INF ? Arrays.stream(g).map(Math::abs).max().orElse(0)
                : Math.pow(Arrays.stream(g).map(x -> Math.pow(Math.abs(x), p)).sum(), 1 / p);
    }

    @Test
    void valueClippingCutsEveryNumber() {
        Map<String, Array> g = arrays(1, 5, 40, 1);
        applied(Clipping.of(true, "value", 0.5, 2), g).forEach((name, v) -> {
            for (int i = 0; i < v.length; i++) {
                assertThat(v[i]).isEqualTo(Math.clamp(g.get(name).values()[i], -0.5, 0.5));
            }
        });
    }

    @Test
    void normClippingScalesEachParameterByItsOwnNorm() {
        Map<String, Array> g = arrays(2, 5, 40_000, 1, 16_384, 0);
        for (double p : new double[] {2, 1, 3, INF}) {
            applied(Clipping.of(true, "norm", 1.5, p), g).forEach((name, v) -> {
                double[] own = g.get(name).values();
                double factor = Math.min(1, 1.5 / (norm(own, p) + 1e-6));
                for (int i = 0; i < v.length; i++) {
                    assertThat(v[i]).isCloseTo(own[i] * factor, within(2e-6 * (1 + Math.abs(own[i]))));
                }
            });
        }
    }

    @Test
    void fullModelClippingScalesAllByOneEuclideanNormWhateverTheNormType() {
        Map<String, Array> g = arrays(3, 5, 40_000, 7);
        double all = norm(g.values().stream().flatMapToDouble(a -> Arrays.stream(a.values())).toArray(), 2);
        applied(Clipping.of(true, "full_model", 1, 1), g).forEach((name, v) -> {
            for (int i = 0; i < v.length; i++) {
                assertThat(v[i]).isCloseTo(g.get(name).values()[i] / (all + 1e-6), within(1e-8));
            }
        });
    }

    @Test
    void aStepThatIsNotFiniteChangesNothingAndIsTold() {
        for (Clipping clipping : List.of(Clipping.NONE, Clipping.of(true, "norm", 1, INF), Clipping.of(true, "full_model", 1, 2))) {
            try (Workbench w = new Workbench(device, arrays(4, 20_000, 3), 0.1, params -> new AdamW(device, params, clipping))) {
                w.step(0.1, arrays(5, 20_000, 3), 1);
                float[] value = w.value("p0");
                float[] moment = w.state("p1/exp_avg");
                Map<String, Array> bad = arrays(6, 20_000, 3);
                for (double v : new double[] {Double.NaN, INF}) {
                    bad.get("p0").values()[19_999] = v;
                    w.step(0.1, bad, 1);
                    assertThat(w.optimizer.stats().toFloats()[1]).isZero();
                }
                w.step(0.1, arrays(6, 20_000, 3), Float.NaN);
                assertThat(w.optimizer.stats().toFloats()[1]).isZero();
                assertThat(w.value("p0")).containsExactly(value);
                assertThat(w.state("p1/exp_avg")).containsExactly(moment);
                assertThat(w.steps()).isEqualTo(1);
                w.step(0.1, arrays(6, 20_000, 3), 1);
                assertThat(w.optimizer.stats().toFloats()[1]).isEqualTo(1);
                assertThat(w.steps()).isEqualTo(2);
                assertThat(w.value("p0")).isNotEqualTo(value);
            }
        }
    }

    @Test
    void aParameterWithoutGradientStaysAndDoesNotCountInTheNorm() {
        try (Workbench w = new Workbench(device, arrays(7, 5, 6), 0.1, params -> new AdamW(device, params, Clipping.of(true, "full_model", 1, 2)))) {
            Map<String, Array> both = arrays(8, 5, 6);
            w.step(0.1, both, 1);
            float[] value = w.value("p1");
            w.step(0.1, Map.of("p0", both.get("p0")), 1);
            assertThat(w.value("p1")).containsExactly(value);
            assertThat((double) w.optimizer.stats().toFloats()[0]).isCloseTo(norm(both.get("p0").values(), 2), within(1e-6));
        }
    }

    @Test
    void nesterovLooksAhead() {
        Map<String, Array> values = arrays(9, 33);
        double[] p = values.get("p0").values().clone();
        double[] m = new double[p.length];
        try (Workbench w = new Workbench(device, values, 0.01, params -> new Sgd(device, params, Clipping.NONE, 0.9, true))) {
            for (int s = 0; s < 4; s++) {
                Map<String, Array> g = arrays(10 + s, 33);
                w.step(0.1, g, 1);
                for (int i = 0; i < p.length; i++) {
                    double d = g.get("p0").values()[i] + 0.01 * p[i];
                    m[i] = 0.9 * m[i] + d;
                    p[i] -= 0.1 * (d + 0.9 * m[i]);
                    assertThat((double) w.value("p0")[i]).isCloseTo(p[i], within(2e-6));
                }
            }
        }
        assertThatThrownBy(() -> new Sgd(device, List.of(), Clipping.NONE, 0, true)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anyNumberOfThreadsGivesTheSameBits() {
        float[][] results = new float[2][];
        for (int t = 0; t < 2; t++) {
            try (Device threads = new CpuDevice(1 + 2 * t, -1);
                    Workbench w = new Workbench(threads, arrays(20, 70_001, 9), 0.1, params -> new AdamW(threads, params, Clipping.of(true, "full_model", 1, 2)))) {
                for (int s = 0; s < 3; s++) {
                    w.step(0.01, arrays(21 + s, 70_001, 9), 1);
                }
                results[t] = w.value("p0");
            }
        }
        assertThat(results[0]).containsExactly(results[1]);
    }

    @Test
    void stateIsNamedAsInPyTorchAndResumes() {
        Map<String, Array> values = arrays(30, 5, 3);
        try (Workbench straight = new Workbench(device, values, 0.1, params -> new AdamW(device, params, Clipping.NONE))) {
            straight.step(0.1, arrays(31, 5, 3), 1);
            assertThat(straight.optimizer.state()).containsOnlyKeys("step", "p0/exp_avg", "p0/exp_avg_sq", "p1/exp_avg", "p1/exp_avg_sq");
            Map<String, Array> saved = new LinkedHashMap<>();
            values.forEach((name, a) -> saved.put(name, new Array(widen(straight.value(name)), a.shape())));
            try (Workbench resumed = new Workbench(device, saved, 0.1, params -> new AdamW(device, params, Clipping.NONE))) {
                straight.optimizer.state().forEach((name, t) -> resumed.optimizer.state().get(name).copyFrom(t));
                straight.step(0.1, arrays(32, 5, 3), 1);
                resumed.step(0.1, arrays(32, 5, 3), 1);
                assertThat(resumed.value("p1")).containsExactly(straight.value("p1"));
            }
        }
    }

    private static double[] widen(float[] f) {
        return IntStream.range(0, f.length).mapToDouble(i -> f[i]).toArray();
    }

    @Test
    void publishedGroupsGiveTheBackboneItsOwnRateAndDecayEverything() {
        Tensor t = Tensor.of(device, new float[] {1}, 1);
        Map<String, Variable> named = new LinkedHashMap<>();
        named.put("backbone.fpn_lateral2.bias", Variable.leaf(t));
        named.put("backbone.bottom_up.stem.conv1.weight", Variable.constant(t));
        named.put("head.head_series.0.norm1.weight", Variable.leaf(t));
        List<Param> params = Param.published(named, 1e-4, 0.1);
        assertThat(params).extracting(Param::name).containsExactly("backbone.fpn_lateral2.bias", "head.head_series.0.norm1.weight");
        assertThat(params).extracting(Param::lrFactor).containsExactly(0.1, 1.0);
        assertThat(params).extracting(Param::weightDecay).containsOnly(1e-4);
        t.release();
    }

    @Test
    void clippingNamesTheKeyThatIsWrong() {
        assertThatThrownBy(() -> Clipping.of(true, "nrom", 1, 2)).isInstanceOf(BadInput.class).hasMessageContaining("CLIP_TYPE");
        assertThatThrownBy(() -> Clipping.of(true, "norm", 1, 0)).isInstanceOf(BadInput.class).hasMessageContaining("NORM_TYPE");
        assertThat(Clipping.of(false, "norm", 1, 2)).isEqualTo(Clipping.NONE);
        assertThat(Clipping.of(true, "full_model", 0, 2)).isEqualTo(Clipping.NONE);
    }
}
