package org.sparsercnn.op;

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
import org.sparsercnn.testing.Array;

class GluSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("glu");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("input");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Glu.apply(tape, in.get("input")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("input");
        int cols = x.size(-1) / 2;
        long[] shape = x.shape().clone();
        shape[shape.length - 1] = cols;
        Array y = Array.zeros(shape);
        Arrays.setAll(y.values(), i -> {
            int at = i / cols * 2 * cols + i % cols;
            return x.values()[at] / (1 + Math.exp(-x.values()[at + cols]));
        });
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                Sample.of("empty", "{}", "input", Array.zeros(0, 6)),
                Sample.of("one", "{}", "input", Array.normal(r, 1, 2)),
                Sample.of("odd", "{}", "input", Array.normal(r, 2, 3, 14)));
    }

    @Test
    void an_odd_last_axis_is_refused() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable x = Variable.constant(tape.empty(2, 7));
            assertThatThrownBy(() -> Glu.apply(tape, x)).hasMessageContaining("(2, 7)");
        }
    }
}
