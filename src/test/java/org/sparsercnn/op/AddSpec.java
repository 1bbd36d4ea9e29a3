package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;

class AddSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("a", "b");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable y = Add.apply(tape, in.get("a"), in.get("b"), attrs.path("relu").asBoolean());
        return Map.of("y", y, "doubled", Add.apply(tape, in.get("a"), in.get("a")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array a = in.get("a");
        Array y = a.copy();
        Array doubled = a.copy();
        for (int i = 0; i < y.values().length; i++) {
            double sum = a.values()[i] + in.get("b").values()[i];
            y.values()[i] = attrs.path("relu").asBoolean() ? Math.max(sum, 0) : sum;
            doubled.values()[i] = 2 * a.values()[i];
        }
        return Map.of("y", y, "doubled", doubled);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                Sample.of("empty", "{}", "a", Array.zeros(0, 3), "b", Array.zeros(0, 3)),
                Sample.of("one", "{}", "a", Array.normal(r, 1), "b", Array.normal(r, 1)),
                Sample.of("odd", "{}", "a", Array.normal(r, 3, 5, 7), "b", Array.normal(r, 3, 5, 7)),
                Sample.of("relu", "{'relu': true}", "a", Array.normal(r, 5, 7), "b", Array.normal(r, 5, 7)));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "BF16"})
    void of_two_types_the_sum_has_the_tapes(DType compute) {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.training(device, new Rng(1), compute)) {
            Variable wide = Variable.leaf(tape.floats(new float[] {1, 1 + 0x1p-9f}, 2));
            Variable narrow = Variable.leaf(tape.scope().hold(Bf16.tensor(device, new float[] {1, 2}, 2)));
            Variable y = Add.apply(tape, wide, narrow);
            assertThat(y.value().dtype()).isEqualTo(compute);
            assertThat(Bf16.floats(y.value())).containsExactly(2, compute == DType.F32 ? 3 + 0x1p-9f : 3);
            tape.backward(List.of(y), List.of(y.value()), (a, b) -> Add.sum(tape, a, b), _ -> {});
            assertThat(wide.grad().dtype()).isEqualTo(DType.F32);
            assertThat(narrow.grad().dtype()).isEqualTo(DType.BF16);
            wide.clearGradient();
            narrow.clearGradient();
        }
    }

    @Test
    void shapes_must_be_equal() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable a = Variable.constant(tape.empty(2, 3));
            Variable b = Variable.constant(tape.empty(3, 2));
            assertThatThrownBy(() -> Add.apply(tape, a, b)).hasMessageContaining("(2, 3)").hasMessageContaining("(3, 2)");
        }
    }
}
