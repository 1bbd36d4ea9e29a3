package org.sparsercnn.autograd;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;

class TapeTest {
    @Test
    void a_gradient_has_the_shape_and_the_type_of_its_value() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.training(device, new Rng(1))) {
            Variable x = Variable.leaf(tape.floats(new float[] {1, 2}, 2));
            refused(tape, x, tape.empty(DType.BF16, x.shape()), "BF16(2) for a value F32(2)");
            refused(tape, x, tape.empty(1, 2), "F32(1, 2) for a value F32(2)");
        }
    }

    private static void refused(Tape tape, Variable x, Tensor gradient, String message) {
        Variable y = tape.record(x.value(), new Variable[] {x}, new Tensor[0], _ -> new Tensor[] {gradient});
        assertThatThrownBy(() -> tape.backward(List.of(y), List.of(x.value()), (a, _) -> a, _ -> {})).hasMessageContaining(message);
        y.clearGradient();
    }
}
