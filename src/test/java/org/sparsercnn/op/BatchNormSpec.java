package org.sparsercnn.op;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

class BatchNormSpec extends OpSpec {
    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("x", "weight", "bias");
    }

    @Override
    protected boolean bf16() {
        return true;
    }

    @Override
    protected Set<String> fp32Inputs() {
        return Set.of("weight", "bias", "running_mean", "running_var");
    }

    @Override
    protected Set<String> fp32Outputs() {
        return Set.of("running_mean", "running_var");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Tensor mean = Permute.copy(tape, in.get("running_mean").value());
        Tensor var = Permute.copy(tape, in.get("running_var").value());
        Variable y = BatchNorm.apply(tape, in.get("x"), Permute.dense(tape, in.get("weight")),
                Permute.dense(tape, in.get("bias")), mean, var,
                0.1, attrs.get("eps").asDouble(), attrs.get("relu").asBoolean());
        return Map.of("y", y, "running_mean", Variable.constant(mean), "running_var", Variable.constant(var));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array x = in.get("x");
        return Map.of("y", GroupNormSpec.normalised(x, 1, x.size(-1), in.get("weight"), in.get("bias"), attrs.get("eps").asDouble(),
                attrs.get("relu").asBoolean()));
    }

    /** Outside the graph, so not part of {@link #reference}. */
    private static Map<String, Array> running(Map<String, Array> in) {
        Array x = in.get("x");
        Array mean = in.get("running_mean").copy();
        Array var = in.get("running_var").copy();
        int cols = x.size(-1);
        int rows = x.values().length / cols;
        for (int c = 0; c < cols && rows > 0; c++) {
            double m = 0;
            double squares = 0;
            for (int at = c; at < x.values().length; at += cols) {
                m += x.values()[at] / rows;
            }
            for (int at = c; at < x.values().length; at += cols) {
                squares += Math.pow(x.values()[at] - m, 2);
            }
            mean.values()[c] = 0.9 * mean.values()[c] + 0.1 * m;
            var.values()[c] = 0.9 * var.values()[c] + 0.1 * squares / Math.max(rows - 1, 1);
        }
        return Map.of("running_mean", mean, "running_var", var);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(FrozenBatchNormSpec.sample(r, false, 0, 2, 3, 4), FrozenBatchNormSpec.sample(r, false, 1, 1, 1, 3),
                FrozenBatchNormSpec.sample(r, false, 2, 3, 5, 7), FrozenBatchNormSpec.sample(r, true, 2, 3, 5, 7),
                FrozenBatchNormSpec.sample(r, true, 1, 20, 13, 2));
    }

    @TestFactory
    Stream<DynamicTest> running_statistics() {
        return samples(new Random(7)).stream().map(s -> DynamicTest.dynamicTest(s.name(), () -> {
            try (Device device = new CpuDevice(2, -1)) {
                Result r = execute(device, s, Map.of(), Set.of(), false);
                running(s.in()).forEach((name, wanted) -> close(name, r.out().get(name), wanted, 4e-7 * (1 + scale(wanted))));
            }
        }));
    }

    @Test
    void a_large_mean_costs_no_digits() {
        Random r = new Random(2);
        Sample s = Sample.of("", "{'eps': 1e-5, 'relu': false}", "x", Array.uniform(r, 4096, 4098, 2, 50, 40, 5), "weight",
                Array.uniform(r, 1, 2, 5),
                "bias", Array.normal(r, 5), "running_mean", Array.normal(r, 5), "running_var", Array.uniform(r, 0.1, 3, 5));
        Array wanted = reference(s.in(), s.attrs()).get("y");
        try (Device device = new CpuDevice(1, -1)) {
            Result result = execute(device, s, Map.of(), Set.of(), false);
            // The mean is kept in fp32: half an ulp of it (2^-12) times the largest weight / deviation.
            close("y", result.out().get("y"), wanted, 0x1p-12 * 2 * Math.sqrt(3) + 1e-5);
            running(s.in()).forEach((name, v) -> close(name, result.out().get(name), v, 1e-6 * (1 + scale(v))));
        }
    }

    @Test
    void evaluation_uses_the_running_statistics_and_leaves_them_alone() {
        Random r = new Random(4);
        Sample s = FrozenBatchNormSpec.sample(r, true, 2, 3, 5, 7);
        Array wanted = new FrozenBatchNormSpec().reference(s.in(), s.attrs()).get("y");
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Map<String, Variable> in = new HashMap<>();
            s.in().forEach((name, a) -> in.put(name, Variable.constant(tape.scope().hold(Tensor.of(device, a.floats(), a.shape())))));
            Map<String, Variable> out = run(tape, in, s.attrs());
            close("y", array(out.get("y").value()), wanted, 1e-6 * (1 + scale(wanted)));
            close("running_mean", array(out.get("running_mean").value()), s.in().get("running_mean"), 0);
            close("running_var", array(out.get("running_var").value()), s.in().get("running_var"), 0);
        }
    }
}
