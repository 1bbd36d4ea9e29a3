package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class PairwiseGiouSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("generalized_box_iou");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("b1", "b2");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return Map.of("y", PairwiseGiou.apply(tape, in.get("b1"), in.get("b2")));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        int m = in.get("b2").size(0);
        Array y = Array.zeros(in.get("b1").size(0), m);
        for (int i = 0; i < y.values().length; i++) {
            y.values()[i] = Boxes.giouXyxy(in.get("b1").values(), i / m, in.get("b2").values(), i % m);
        }
        return Map.of("y", y);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 5, 7), sample(r, 1, 1), sample(r, 0, 3), sample(r, 3, 0), sample(r, 2, 35));
    }

    private static Sample sample(Random r, int n, int m) {
        return Sample.of(n + "x" + m, "{}", "b1", RandomBoxes.xyxy(r, n), "b2", RandomBoxes.xyxy(r, m));
    }

    /** Inverted sides, a line, a point, the same point: where the published code asserts or divides 0 by 0. */
    @Test
    void degenerateBoxesHaveADefinedValueAndAFiniteGradient() {
        double[] a = {3, 1, 1, 2, 3, 2, 1, 1, 1, 1, 1, 4, 2, 2, 2, 2};
        double[] b = {0.5, 0.25, 2.5, 3.25, 2, 2, 2, 2};
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.training(device, new Rng(1))) {
            Variable x = Variable.leaf(tape.scope().hold(Tensor.of(device, new Array(a, 4, 4).floats(), 4, 4)));
            Variable z = Variable.leaf(tape.scope().hold(Tensor.of(device, new Array(b, 2, 4).floats(), 2, 4)));
            Variable y = PairwiseGiou.apply(tape, x, z);
            close("giou", array(y.value()), reference(Map.of("b1", new Array(a, 4, 4), "b2", new Array(b, 2, 4)), null).get("y"), 1e-6);
            Tensor ones = tape.empty(4, 2);
            ones.set(new float[] {1, 1, 1, 1, 1, 1, 1, 1});
            tape.backward(List.of(y), List.of(ones), (p, q) -> Add.sum(tape, p, q), _ -> {});
            assertThat(Arrays.stream(array(x.grad()).values())).allMatch(Double::isFinite);
            assertThat(Arrays.stream(array(z.grad()).values())).allMatch(Double::isFinite);
            x.clearGradient();
            z.clearGradient();
        }
    }

    /** A box that is not a number must be seen, not hidden: the step is skipped. */
    @Test
    void nanPropagates() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable x = Variable.constant(tape.scope().hold(Tensor.of(device, new float[] {0, 0, Float.NaN, 1}, 1, 4)));
            Variable z = Variable.constant(tape.scope().hold(Tensor.of(device, new float[] {0, 0, 1, 1}, 1, 4)));
            assertThat(PairwiseGiou.apply(tape, x, z).value().item()).isNaN();
        }
    }
}
