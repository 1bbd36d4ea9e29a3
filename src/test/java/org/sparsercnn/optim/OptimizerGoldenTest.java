package org.sparsercnn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.kernels.EmulatedDevice;
import org.sparsercnn.kernels.Schedule;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;

/** Three steps of PyTorch's optimisers with and without the published full-model clipping: parameters, state and norms. */
class OptimizerGoldenTest {
    private static final List<String> NAMES = List.of("a", "b", "c", "d");
    private static final Golden GOLDEN = Golden.load("ops");

    private static Stream<JsonNode> cases() {
        List<JsonNode> cases = new ArrayList<>();
        GOLDEN.json().get("cases").forEach(cases::add);
        return cases.stream().filter(c -> c.get("op").asText().equals("optimizer"));
    }

    @TestFactory
    Stream<DynamicTest> cpu() {
        return cases().map(c -> DynamicTest.dynamicTest(c.get("case").asText(), () -> {
            try (Device device = new CpuDevice(2, -1)) {
                check(device, c);
                assertThat(device.memory().inUse()).isZero();
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> emulated() {
        return cases().filter(_ -> EmulatedDevice.isBuilt()).flatMap(c -> Schedule.all(64).stream()
                .map(schedule -> DynamicTest.dynamicTest(c.get("case").asText() + " " + schedule, () -> {
                    try (Device device = new EmulatedDevice(schedule)) {
                        check(device, c);
                    }
                })));
    }

    private static void check(Device device, JsonNode c) {
        String prefix = c.get("case").asText() + "/";
        JsonNode attrs = c.get("attrs");
        Clipping clipping = attrs.has("clip_norm") ? Clipping.of(true, "full_model", attrs.get("clip_norm").asDouble(), 2) : Clipping.NONE;
        boolean sgd = attrs.has("momentum");
        try (Workbench w = new Workbench(device, arrays(prefix + "p0."), attrs.get("weight_decay").asDouble(),
                params -> sgd ? new Sgd(device, params, clipping, attrs.get("momentum").asDouble(), attrs.get("nesterov").asBoolean())
                        : new AdamW(device, params, clipping))) {
            for (int s = 0; s < c.get("steps").asInt(); s++) {
                w.step(attrs.get("lr").asDouble(), arrays(prefix + "g" + s + "."), 1);
                for (String name : NAMES) {
                    close(prefix + "p" + (s + 1) + "." + name, w.value(name));
                    for (String slot : sgd ? List.of("momentum_buffer") : List.of("exp_avg", "exp_avg_sq")) {
                        close(prefix + slot + (s + 1) + "." + name, w.state(name + "/" + slot));
                    }
                }
                if (attrs.has("clip_norm")) {
                    double norm = c.get("grad_norms").get(s).asDouble();
                    assertThat((double) w.optimizer.stats().toFloats()[0]).isCloseTo(norm, within(1e-6 * norm));
                }
            }
            assertThat(w.steps()).isEqualTo(c.get("steps").asLong());
        }
    }

    private static Map<String, Array> arrays(String prefix) {
        Map<String, Array> arrays = new LinkedHashMap<>();
        NAMES.forEach(name -> arrays.put(name, GOLDEN.array(prefix + name)));
        return arrays;
    }

    /** A few roundings of the value itself, and two of the tensor's largest: a value may be the difference of larger ones. */
    private static void close(String tensor, float[] got) {
        double[] wanted = GOLDEN.array(tensor).values();
        assertThat(got).hasSameSizeAs(wanted);
        double scale = Arrays.stream(wanted).map(Math::abs).max().orElse(0);
        for (int i = 0; i < got.length; i++) {
            assertThat((double) got[i]).as(tensor + "[" + i + "]").isCloseTo(wanted[i], within(4e-7 * Math.abs(wanted[i]) + 1.2e-7 * scale));
        }
    }
}
