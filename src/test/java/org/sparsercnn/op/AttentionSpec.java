package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.kernels.EmulatedDevice;
import org.sparsercnn.kernels.Schedule;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;

class AttentionSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of("multihead_attention");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Set<String> fp32Inputs() {
        return Set.of("in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias");
    }

    @Override
    protected Set<String> fp32Outputs() {
        return Set.of("attn_mean");
    }

    /** The scores of these samples reach 20, which bf16 holds to within 2^-4: so much, relatively, some weights may be off. */
    @Override
    protected double bf16Tolerance() {
        return 0x1p-5;
    }

    /** Recorded inputs lie as (L, N, E), ours as (N, L, E). */
    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        boolean sequenceFirst = attrs.path("layout").asText().startsWith("(L");
        Variable x = sequenceFirst ? Permute.apply(tape, in.get("x"), 1, 0, 2) : in.get("x");
        Attention.Result r = Attention.withWeights(tape, x, dense(tape, in, "in_proj_weight"), dense(tape, in, "in_proj_bias"),
                dense(tape, in, "out_proj_weight"), dense(tape, in, "out_proj_bias"), attrs.get("heads").asInt(),
                attrs.path("dropout").asDouble());
        Variable y = sequenceFirst ? Permute.apply(tape, r.y(), 1, 0, 2) : r.y();
        return Map.of("y", y, "attn_mean", Attention.mean(tape, r.weights()));
    }

    private static Variable dense(Tape tape, Map<String, Variable> in, String name) {
        return Permute.dense(tape, in.get(name));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        Array qkv = LinearSpec.linear(x, in.get("in_proj_weight"), in.get("in_proj_bias"));
        int batch = x.size(0);
        int n = x.size(1);
        int e = x.size(2);
        int heads = attrs.get("heads").asInt();
        int depth = e / heads;
        Array scores = Array.zeros(batch, heads, n, n);
        Arrays.setAll(scores.values(), i -> {
            int query = (i / n / n / heads * n + i / n % n) * 3 * e + i / n / n % heads * depth;
            int key = (i / n / n / heads * n + i % n) * 3 * e + i / n / n % heads * depth + e;
            double sum = 0;
            for (int d = 0; d < depth; d++) {
                sum += qkv.values()[query + d] * qkv.values()[key + d];
            }
            return sum / Math.sqrt(depth);
        });
        Array weights = DropoutSpec.dropped(SoftmaxSpec.softmax(scores), attrs.path("dropout").asDouble(), 0);
        Array values = Array.zeros(x.shape());
        Arrays.setAll(values.values(), i -> {
            int head = i % e / depth;
            double sum = 0;
            for (int k = 0; k < n; k++) {
                sum += weights.values()[((i / e / n * heads + head) * n + i / e % n) * n + k]
                        * qkv.values()[(i / e / n * n + k) * 3 * e + 2 * e + i % e];
            }
            return sum;
        });
        Array mean = Array.zeros(batch, n, n);
        for (int i = 0; i < weights.values().length; i++) {
            mean.values()[i / n / n / heads * n * n + i % (n * n)] += weights.values()[i] / heads;
        }
        Map<String, Array> out = new LinkedHashMap<>(); // in one order, in which cotangents are drawn
        out.put("y", LinearSpec.linear(values, in.get("out_proj_weight"), in.get("out_proj_bias")));
        out.put("attn_mean", mean);
        return out;
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, 0, 0, 3, 4, 2), sample(r, 0, 1, 1, 2, 1), sample(r, 0, 2, 5, 6, 3), sample(r, 0, 1, 7, 6, 2),
                sample(r, 0.3, 2, 5, 6, 2));
    }

    private static Sample sample(Random r, double dropout, long batch, long n, long e, int heads) {
        return Sample.of("(" + batch + ", " + n + ", " + e + ") " + heads + " heads, dropout " + dropout,
                "{'heads': " + heads + ", 'dropout': " + dropout + "}", "x", Array.normal(r, batch, n, e),
                "in_proj_weight", Array.normal(r, 3 * e, e), "in_proj_bias", Array.normal(r, 3 * e),
                "out_proj_weight", Array.normal(r, e, e), "out_proj_bias", Array.normal(r, e));
    }

    /**
     * One kernel forward and two backward in bf16, against the products and the softmax in fp32 from the same projections. Weights
     * are rounded to 2^-9 of themselves before they are multiplied with v, and so is the result; gradients pass through two such
     * products. Rows of a block are 64, so among the numbers of proposals are such that leave a block, or a warp, incomplete.
     */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 16, 0", "2, 65, 2, 32, 0", "1, 130, 1, 64, 0.3", "2, 33, 1, 48, 0.25",
            "1, 100, 2, 32, 1", "0, 5, 2, 32, 0", "1, 0, 2, 32, 0"})
    void fusedInBf16(int batch, int n, int heads, int depth, double dropout) {
        assumeTrue(EmulatedDevice.isBuilt(), "no emulated kernels: native/build.sh makes them");
        Random random = new Random(4);
        Array qkv = Bf16.round(Array.normal(random, batch, n, 3L * heads * depth));
        Array dy = Bf16.round(Array.normal(random, batch, n, (long) heads * depth));
        List<Array> wanted;
        try (Device device = new CpuDevice(1, -1)) {
            wanted = values(device, DType.F32, qkv, dy, heads, dropout);
        }
        List<Array> first = null;
        for (Schedule schedule : Schedule.all(128)) {
            try (Device device = new EmulatedDevice(schedule)) {
                List<Array> got = values(device, DType.BF16, qkv, dy, heads, dropout);
                close("y", got.get(0), wanted.get(0), 0x1p-8 * scale(wanted.get(0)));
                close("dqkv", got.get(1), wanted.get(1), 0x1p-7 * scale(wanted.get(1)));
                assertThat(device.memory().inUse()).as("bytes still held").isZero();
                first = first == null ? got : first;
                for (int i = 0; i < 2; i++) {
                    assertThat(got.get(i).values()).as(schedule.toString()).containsExactly(first.get(i).values());
                }
            }
        }
    }

    /** The values and the gradient of the projections; in inference too, for the same values. */
    private static List<Array> values(Device device, DType type, Array qkv, Array dy, int heads, double dropout) {
        Tensor in = tensor(device, type, qkv);
        Tensor seed = tensor(device, type, dy);
        try (Tape tape = Tape.training(device, new Rng(5), type)) {
            Variable x = Variable.leaf(in);
            Variable y = Attention.values(tape, x, heads, dropout);
            Array values = array(y.value());
            tape.backward(List.of(y), List.of(seed), (a, b) -> Add.sum(tape, a, b), _ -> {});
            Array grad = array(x.grad());
            x.clearGradient();
            if (dropout == 0) {
                try (Tape inference = Tape.inference(device, type, null)) {
                    Variable again = Attention.values(inference, Variable.constant(in), heads, 0);
                    assertThat(array(again.value()).values()).containsExactly(values.values());
                }
            }
            return List.of(values, grad);
        } finally {
            in.release();
            seed.release();
        }
    }

    private static Tensor tensor(Device device, DType type, Array a) {
        return type == DType.BF16 ? Bf16.tensor(device, a.floats(), a.shape()) : Tensor.of(device, a.floats(), a.shape());
    }
}
