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

class PermuteSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    private static int[] axes(JsonNode attrs) {
        int[] axes = new int[attrs.get("axes").size()];
        Arrays.setAll(axes, i -> attrs.get("axes").get(i).asInt());
        return axes;
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", Permute.apply(tape, in.get("x"), axes(attrs)));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        int[] axes = axes(attrs);
        int rank = axes.length;
        long[] shape = new long[rank];
        Arrays.setAll(shape, i -> x.shape()[axes[i]]);
        Array y = Array.zeros(shape);
        for (int i = 0; i < y.values().length; i++) {
            long[] index = new long[rank];
            long rest = i;
            for (int axis = rank - 1; axis >= 0; axis--) {
                index[axes[axis]] = rest % shape[axis];
                rest /= shape[axis];
            }
            long from = 0;
            for (int axis = 0; axis < rank; axis++) {
                from = from * x.shape()[axis] + index[axis];
            }
            y.values()[i] = x.values()[(int) from];
        }
        return Map.of("y", y);
    }

    @Override
    protected double tolerance() {
        return 0;
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                Sample.of("empty", "{'axes': [1, 0]}", "x", Array.zeros(0, 3)),
                Sample.of("vector", "{'axes': [0]}", "x", Array.normal(r, 9)),
                Sample.of("identity", "{'axes': [0, 1, 2]}", "x", Array.normal(r, 3, 4, 5)),
                Sample.of("transpose", "{'axes': [1, 0]}", "x", Array.normal(r, 37, 21)),
                Sample.of("NCHW to NHWC", "{'axes': [0, 2, 3, 1]}", "x", Array.normal(r, 2, 3, 5, 7)),
                Sample.of("NHWC to NCHW", "{'axes': [0, 3, 1, 2]}", "x", Array.normal(r, 2, 5, 7, 3)),
                Sample.of("six axes", "{'axes': [5, 2, 4, 0, 3, 1]}", "x", Array.normal(r, 2, 3, 2, 3, 2, 3)));
    }

    @Test
    void seven_axes_are_refused() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable x = Variable.constant(tape.empty(1, 1, 1, 1, 1, 1, 2));
            assertThatThrownBy(() -> Permute.apply(tape, x, 6, 5, 4, 3, 2, 1, 0)).hasMessageContaining("6 axes");
        }
    }
}
