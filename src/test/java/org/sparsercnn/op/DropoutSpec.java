package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class DropoutSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable first = Dropout.apply(tape, in.get("x"), attrs.get("p").asDouble());
        return Map.of("first", first, "second", Dropout.apply(tape, in.get("x"), attrs.get("p").asDouble()));
    }

    /** The harness's tape draws from seed 5; the second draw goes on where the first ended. */
    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        return Map.of("first", dropped(x, attrs.get("p").asDouble(), 0), "second",
                dropped(x, attrs.get("p").asDouble(), x.values().length));
    }

    static Array dropped(Array x, double p, long counter) {
        Array y = x.copy();
        Arrays.setAll(y.values(), i -> keeps(5, counter + i, p) ? y.values()[i] / (1 - p) : 0);
        return y;
    }

    private static boolean keeps(long seed, long index, double p) {
        long z = seed + (index + 1) * 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return p == 0 || (z ^ (z >>> 31)) >>> 32 < Math.round((1 - p) * 0x1p32);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(
                Sample.of("empty", "{'p': 0.5}", "x", Array.zeros(0, 3)),
                Sample.of("one", "{'p': 0.5}", "x", Array.normal(r, 1)),
                Sample.of("odd", "{'p': 0.1}", "x", Array.normal(r, 3, 5, 7)),
                Sample.of("half", "{'p': 0.5}", "x", Array.normal(r, 70)),
                Sample.of("nothing dropped", "{'p': 0}", "x", Array.normal(r, 7)),
                Sample.of("everything dropped", "{'p': 1}", "x", Array.normal(r, 7)));
    }

    @Test
    void drops_the_wanted_share_and_keeps_the_mean() {
        int n = 1 << 20;
        float[] ones = new float[n];
        Arrays.fill(ones, 1);
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.training(device, new Rng(3))) {
            Variable x = Variable.constant(tape.scope().hold(Tensor.of(device, ones, n)));
            double sum = 0;
            int dropped = 0;
            for (float v : Dropout.apply(tape, x, 0.3).value().toFloats()) {
                sum += v;
                dropped += v == 0 ? 1 : 0;
            }
            double deviation = Math.sqrt(0.3 * 0.7 / n);
            assertThat((double) dropped / n).isCloseTo(0.3, within(4 * deviation));
            assertThat(sum / n).isCloseTo(1, within(4 * deviation / 0.7));
        }
    }

    @Test
    void evaluation_is_the_identity() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Variable x = Variable.constant(tape.empty(3));
            assertThat(Dropout.apply(tape, x, 0.9)).isSameAs(x);
            assertThat(tape.rng().counter()).isZero();
        }
    }
}
