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

class UpsampleAddSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("upsample_nearest2x_add");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("top", "lat");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable y = UpsampleAdd.apply(tape, Nhwc.in(tape, in.get("top"), attrs), Nhwc.in(tape, in.get("lat"), attrs));
        return Map.of("y", Nhwc.out(tape, y, attrs));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array top = in.get("top");
        Array y = in.get("lat").copy();
        int c = y.size(3);
        Arrays.setAll(y.values(), i -> {
            int x = i / c % y.size(2);
            int row = i / c / y.size(2) % y.size(1);
            int n = i / c / y.size(2) / y.size(1);
            return y.values()[i] + top.values()[((n * top.size(1) + row / 2) * top.size(2) + x / 2) * c + i % c];
        });
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 0, 2, 3, 4), sample(r, 1, 1, 1, 1), sample(r, 2, 3, 5, 7), sample(r, 2, 1, 4, 17));
    }

    private static Sample sample(Random r, long n, long h, long w, long c) {
        return Sample.of("(" + n + ", " + h + ", " + w + ", " + c + ")", "{'layout': 'NHWC'}",
                "top", Array.normal(r, n, h, w, c), "lat", Array.normal(r, n, 2 * h, 2 * w, c));
    }

    @Test
    void odd_sizes_are_refused() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable top = Variable.constant(tape.empty(1, 3, 4, 2));
            Variable lateral = Variable.constant(tape.empty(1, 5, 8, 2));
            assertThatThrownBy(() -> UpsampleAdd.apply(tape, top, lateral)).hasMessageContaining("(1, 5, 8, 2) over (1, 3, 4, 2)");
        }
    }
}
