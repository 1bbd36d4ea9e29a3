package org.sparsercnn.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.optim.AdamW;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.optim.Checksum;
import org.sparsercnn.optim.Clipping;
import org.sparsercnn.optim.Ema;
import org.sparsercnn.optim.Optimizer;
import org.sparsercnn.optim.Param;
import org.sparsercnn.optim.Sgd;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

/** The kernels of updates, norms, averages and checksums in blocks of threads, in any order: the CPU device's numbers within rounding. */
class EmulatedOptimizerTest {
    private static final int STEPS = 3;
    /** What there are checksums of: a value, none, and more than a part. */
    private static final List<float[]> CHECKED = List.of(new float[] {1}, new float[0], Array.normal(new Random(4), 16384 + 37).floats());

    static Stream<Arguments> cases() {
        Map<String, BiFunction<Device, List<Param>, Optimizer>> optimizers = new LinkedHashMap<>();
        for (Clipping clipping : List.of(Clipping.NONE, new Clipping(Clipping.Type.VALUE, 0.5, 2),
                new Clipping(Clipping.Type.FULL_MODEL, 0.1, 2), new Clipping(Clipping.Type.NORM, 0.1, 3), new Clipping(Clipping.Type.NORM, 0.1, Double.POSITIVE_INFINITY))) {
            String suffix = ", " + clipping.type() + " " + clipping.normType();
            optimizers.put("AdamW" + suffix, (device, params) -> new AdamW(device, params, clipping));
            optimizers.put("SGD" + suffix, (device, params) -> new Sgd(device, params, clipping, 0.9, true));
        }
        return optimizers.entrySet().stream()
                .flatMap(e -> Stream.of(64, 256).map(threads -> Arguments.of(e.getKey(), threads, e.getValue())));
    }

    @ParameterizedTest(name = "{0}, blocks of {1}")
    @MethodSource("cases")
    void theSameInEveryOrder(String name, int threads, BiFunction<Device, List<Param>, Optimizer> make) {
        assumeTrue(EmulatedDevice.isBuilt(), "no emulated kernels: native/build.sh makes them");
        Map<String, float[]> wanted;
        try (Device cpu = new CpuDevice(1, -1)) {
            wanted = train(cpu, make);
        }
        Map<String, float[]> first = null;
        for (Schedule schedule : Schedule.all(threads)) {
            try (Device device = new EmulatedDevice(schedule)) {
                Map<String, float[]> got = train(device, make);
                if (first == null) {
                    first = got;
                }
                for (String tensor : wanted.keySet()) {
                    String what = tensor + ", " + schedule;
                    assertThat(Arrays.equals(got.get(tensor), first.get(tensor))).as(what).isTrue();
                    close(what, got.get(tensor), wanted.get(tensor));
                }
            }
        }
    }

    private static void close(String what, float[] got, float[] wanted) {
        for (int i = 0; i < wanted.length; i++) {
            if (!(Math.abs(got[i] - wanted[i]) <= 2e-6 * (1 + Math.abs(wanted[i])))) {
                throw new AssertionError(what + "[" + i + "] = " + got[i] + ", wanted " + wanted[i]);
            }
        }
    }

    /** Parameters and state after a few steps, the second of which is skipped for a loss that is not finite. */
    private static Map<String, float[]> train(Device device, BiFunction<Device, List<Param>, Optimizer> make) {
        Random random = new Random(3);
        Parameters parameters = new Parameters(device);
        List<Param> params = new ArrayList<>();
        for (int size : new int[] {1, 100, 16384 + 37}) {
            Parameter p = parameters.root().weight("p" + size, size);
            p.value().set(Array.normal(random, size).floats());
            params.add(new Param(p.name(), p.variable(), 0.5, 1e-2));
        }
        Tensor loss = Tensor.of(device, new float[1], 1);
        Map<String, float[]> result = new LinkedHashMap<>();
        try (Optimizer optimizer = make.apply(device, params); Ema ema = new Ema(parameters, 0.3)) {
            ema.start();
            for (int step = 0; step < STEPS; step++) {
                for (Param p : params) {
                    p.value().zeroGradient();
                    p.value().grad().set(Array.normal(random, p.value().shape().toArray()).floats());
                }
                loss.set(new float[] {step == 1 ? Float.NaN : 1});
                optimizer.step(1e-2, loss);
                ema.update(optimizer);
                result.put("stats " + step, optimizer.stats().toFloats());
                optimizer.clearGradients();
            }
            params.forEach(p -> result.put(p.name(), p.value().value().toFloats()));
            try (Ema.InPlace _ = ema.swap()) {
                params.forEach(p -> result.put("average of " + p.name(), p.value().value().toFloats()));
            }
            params.forEach(p -> assertThat(p.value().value().toFloats()).containsExactly(result.get(p.name())));
            try (Scope scope = new Scope(device)) {
                // of whole numbers below 2^16 no other is close
                result.put("checksums", Checksum.of(scope, CHECKED.stream().map(v -> scope.hold(Tensor.of(device, v, v.length))).toList()).toFloats());
            }
            optimizer.state().forEach((tensor, t) ->
                    result.put(tensor, t.dtype() == DType.F32 ? t.toFloats() : new float[] {t.toLongs()[0]}));
        }
        parameters.close();
        loss.release();
        assertThat(device.memory().inUse()).as("bytes still held").isZero();
        return result;
    }
}
