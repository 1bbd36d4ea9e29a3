package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Prepared;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.kernels.EmulatedDevice;
import org.sparsercnn.kernels.Schedule;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Bf16;

/** Not an {@link OpSpec}: rounding has no central differences. Every bf16 number, and fp32 numbers around and between them. */
class CastSpec {
    private static float[] every() {
        float[] values = new float[1 << 16];
        for (int i = 0; i < values.length; i++) {
            values[i] = Bf16.value((short) i);
        }
        return values;
    }

    /** For every bf16 number the fp32 numbers a hair above it, and around the middle to the next. */
    private static float[] between() {
        int[] low = {1, 0x7fff, 0x8000, 0x8001, 0xffff};
        float[] values = new float[low.length << 16];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(i / low.length << 16 | low[i % low.length]);
        }
        return values;
    }

    private static void check(Device device, float[] values) {
        try (Tape tape = Tape.inference(device)) {
            Variable x = Variable.constant(tape.floats(values, values.length));
            Variable y = Cast.apply(tape, x, DType.BF16);
            assertThat(y.value().dtype()).isEqualTo(DType.BF16);
            assertThat(Bf16.narrow(Bf16.floats(y.value()))).isEqualTo(Bf16.narrow(values));
            assertThat(Cast.toF32(tape, y).value().toFloats()).isEqualTo(Bf16.widen(Bf16.narrow(values)));
        }
    }

    @Test
    void every_number_there_and_back() {
        try (Device device = new CpuDevice(2, -1)) {
            check(device, every());
            check(device, new float[0]);
        }
    }

    @Test
    void rounds_to_nearest_even_and_keeps_nan() {
        try (Device device = new CpuDevice(2, -1)) {
            check(device, between());
        }
        assertThat(Bf16.round(1 + 0x1p-8)).isEqualTo(1); // a tie
        assertThat(Bf16.round(1 + 0x3p-8)).isEqualTo(1 + 0x1p-6f);
        assertThat(Bf16.round(Float.MAX_VALUE)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(Bf16.round(Float.intBitsToFloat(0x7f800001))).isNaN();
    }

    @Test
    void emulated_blocks_in_any_order() {
        assumeTrue(EmulatedDevice.isBuilt(), "no emulated kernels: native/build.sh makes them");
        float[] values = new float[301];
        Random r = new Random(1);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) r.nextGaussian();
        }
        for (Schedule schedule : Schedule.all(64)) {
            try (Device device = new EmulatedDevice(schedule)) {
                check(device, values);
            }
        }
    }

    @Test
    void the_gradient_has_the_type_of_the_value() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.training(device, new Rng(1))) {
            Variable wide = Variable.leaf(tape.floats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3).permute(1, 0));
            Tensor seed = tape.scope().hold(Bf16.tensor(device, new float[] {1, 2, 3, 4, 5, 6}, 3, 2));
            tape.backward(List.of(Cast.apply(tape, wide, DType.BF16)), List.of(seed), (a, b) -> Add.sum(tape, a, b), _ -> {});
            assertThat(wide.grad().dtype()).isEqualTo(DType.F32);
            assertThat(wide.grad().toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
            wide.clearGradient();

            Variable narrow = Variable.leaf(tape.scope().hold(Bf16.tensor(device, new float[] {1, 2}, 2)));
            Variable y = Add.apply(tape, Cast.toF32(tape, narrow), Cast.toF32(tape, narrow)); // gradients meet in bf16
            tape.backward(List.of(y), List.of(tape.floats(new float[] {1, 1 + 0x1p-10f}, 2)), (a, b) -> Add.sum(tape, a, b), _ -> {});
            assertThat(narrow.grad().dtype()).isEqualTo(DType.BF16);
            assertThat(Bf16.floats(narrow.grad())).containsExactly(2, 2);
            narrow.clearGradient();
        }
    }

    @Test
    void a_weight_is_cast_once_in_inference() {
        try (Device device = new CpuDevice(1, -1); Prepared prepared = new Prepared()) {
            Tensor weight = Tensor.of(device, new float[] {1, 2}, 2);
            Tensor first;
            try (Tape tape = Tape.inference(device, DType.BF16, prepared)) {
                first = Cast.weight(tape, weight);
            }
            try (Tape tape = Tape.inference(device, DType.BF16, prepared)) {
                assertThat(Cast.weight(tape, weight)).isSameAs(first);
                assertThat(Bf16.floats(first)).containsExactly(1, 2);
            }
            weight.release();
        }
    }
}
