package org.sparsercnn.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.autograd.Prepared;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Launch;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.testing.Bf16;
import org.sparsercnn.testing.Bf16Device;

/** What inference makes from a convolution's weights is made in the first pass alone, and the passes give equal bits. */
class Conv2dTest {
    /** Writes down which kernels are launched. */
    private static final class Listening extends ForwardingDevice {
        private final List<String> launched = new ArrayList<>();

        Listening() {
            super(new Bf16Device(new CpuDevice(1, -1)));
        }

        @Override
        public Launch kernel(Kernel kernel) {
            launched.add(kernel.name());
            return device.kernel(kernel);
        }
    }

    @TestFactory
    Stream<DynamicTest> weights_are_prepared_once() {
        return Stream.of(DType.F32, DType.BF16).flatMap(type -> Arrays.stream(Norm.values())
                .map(norm -> dynamicTest(norm + " in " + type, () -> check(norm, type))));
    }

    private static void check(Norm norm, DType type) {
        Random random = new Random(3);
        try (Listening device = new Listening(); Parameters parameters = new Parameters(device); Prepared prepared = new Prepared()) {
            Conv2d layer = new Conv2d(parameters.root(), 3, 5, 3, 1, norm);
            for (Parameter p : parameters.all()) {
                float[] values = new float[(int) p.value().elements()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = 0.5f + random.nextFloat();
                }
                p.setPublished(values);
            }
            float[] alone = pass(device, layer, type, null);
            float[] first = pass(device, layer, type, prepared);
            device.launched.clear();
            float[] second = pass(device, layer, type, prepared);
            assertThat(first).containsExactly(alone);
            assertThat(second).containsExactly(alone);
            assertThat(device.launched).noneMatch(k -> k.startsWith("frozen_batch_norm_fold") || k.startsWith("conv2d_weight"));
            // The input, fp32, is cast in every pass.
            assertThat(device.launched.stream().filter(k -> k.startsWith("cast_"))).hasSize(type == DType.BF16 ? 1 : 0);
        }
    }

    private static float[] pass(Listening device, Conv2d layer, DType type, Prepared prepared) {
        float[] pixels = new float[2 * 4 * 6 * 3];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = i % 7 - 3;
        }
        try (Tape tape = Tape.inference(device, type, prepared)) {
            Variable y = layer.apply(tape, Variable.constant(tape.floats(pixels, 2, 4, 6, 3)), true);
            assertThat(y.value().dtype()).isEqualTo(type);
            return Bf16.floats(y.value());
        }
    }
}
