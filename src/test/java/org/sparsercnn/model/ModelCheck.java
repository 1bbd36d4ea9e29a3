package org.sparsercnn.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Device;
import org.sparsercnn.loss.HungarianMatcher;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.selftest.Check;
import org.sparsercnn.selftest.Mode;
import org.sparsercnn.selftest.Worst;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;
import org.sparsercnn.testing.Golden;

/**
 * A recorded model on a device: logits and boxes of every stage, losses, gradients.
 *
 * @param group of recorded numbers
 */
public record ModelCheck(String title, String group) implements Check {
    /** A gradient is held to its own norm plus this part of the whole gradient's: some are nothing but rounding. */
    private static final double SMALL = 1e-3;

    /**
     * Relative errors of whole tensors. The network's depth multiplies that of one product by ten and more, and by as much again where a
     * box moves; rounding as TF32 and bf16 do, on a CPU, made three fifths of these at most.
     *
     * @param outputs of logits and boxes; {@code gradients}: of each parameter's in fp32, else of all of them as one
     */
    private record Bounds(double outputs, double losses, double gradients) {
        static Bounds of(Mode mode) {
            return switch (mode) {
                case FP32 -> new Bounds(1e-4, 1e-5, 1e-2);
                case TF32 -> new Bounds(2e-2, 1e-2, 1e-1);
                case BF16 -> new Bounds(1e-1, 5e-2, 5e-1);
            };
        }
    }

    public static List<Check> all() {
        return List.of(new ModelCheck("models tiny", "model_tiny"), new ModelCheck("models R50", "model_r50"));
    }

    @Override
    public void run(Device device, Mode mode, Worst worst) {
        Golden golden = Golden.load(group);
        JsonNode json = golden.json();
        Bounds bounds = Bounds.of(mode);
        try (GoldenModel m = new GoldenModel(device, json.get("config_yaml").asText(), List.of(), json.get("weights"),
                json.get("portable_seed").asLong(), json.get("image_sizes_hw"), golden, "")) {
            outputs(m, golden, mode, bounds.outputs, worst);
            List<List<HungarianMatcher.Pairs>> matches = new ArrayList<>();
            losses(m.lossesAndGradients(mode.compute(), matches), golden, bounds.losses, worst);
            gradients(m, golden, mode, bounds.gradients, worst);
            m.model.parameters().clearGradients();
        }
    }

    private void outputs(GoldenModel m, Golden golden, Mode mode, double bound, Worst worst) {
        try (Tape tape = Tape.inference(m.model.device(), mode.compute(), null)) {
            List<SparseRcnn.Stage> stages = m.model.apply(tape, ImageBatch.of(tape, m.pictures, m.model.config()));
            for (int s = 0; s < stages.size(); s++) {
                String head = "head" + s;
                compare(head + " logits", values(stages.get(s).logits()), recorded(golden, head + ".logits"), bound, worst);
                compare(head + " boxes", values(stages.get(s).boxesXyxyPx()), recorded(golden, head + ".boxes"), bound, worst);
            }
        }
    }

    private static Array recorded(Golden golden, String tensor) {
        return golden.any(golden.has("train/" + tensor) ? "train/" + tensor : tensor);
    }

    private static void compare(String what, double[] got, Array wanted, double bound, Worst worst) {
        worst.count();
        worst.add(what, norm(difference(got, wanted.values())), bound * norm(wanted.values()));
    }

    /** @param wanted whole, or its elements at evenly spread positions */
    private static double[] difference(double[] got, double[] wanted) {
        double[] difference = new double[wanted.length];
        Arrays.setAll(difference, i -> got[(int) ((long) i * got.length / wanted.length)] - wanted[i]);
        return difference;
    }

    private static double[] values(Variable v) {
        float[] floats = Bf16.floats(v.value());
        return IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
    }

    private static void losses(Map<String, Double> got, Golden golden, double bound, Worst worst) {
        got.forEach((name, value) -> {
            worst.count();
            double wanted = golden.array("loss/" + name).values()[0];
            worst.add(name, Math.abs(value - wanted), bound * (1 + Math.abs(wanted)));
        });
    }

    /**
     * Where gradients are recorded, by their difference; else by the difference of norms. In fp32 every parameter's; in others the whole,
     * since in a badly conditioned model rounding alone turns single ones round.
     */
    private static void gradients(GoldenModel m, Golden golden, Mode mode, double bound, Worst worst) {
        List<Parameter> trainable = m.model.parameters().trainable();
        double whole = Math.sqrt(trainable.stream().mapToDouble(p -> Math.pow(norm(recordedGradient(golden, p).values()), 2)).sum());
        double difference = 0;
        for (Parameter p : trainable) {
            worst.count();
            double[] gradient = GoldenModel.gradient(p).values();
            double[] got = golden.json().has("grad_l2") ? new double[] {norm(gradient)} : gradient;
            double[] wanted = recordedGradient(golden, p).values();
            double d = norm(difference(got, wanted));
            difference += d * d;
            if (mode == Mode.FP32) {
                worst.add("grad " + p.name(), d, bound * (norm(wanted) + SMALL * whole));
            }
        }
        worst.add("gradient", Math.sqrt(difference), bound * whole);
    }

    /** The gradient, some of its elements, or its norm alone. */
    private static Array recordedGradient(Golden golden, Parameter p) {
        JsonNode norms = golden.json().path("grad_l2");
        return norms.isMissingNode() ? golden.any("grad/" + p.name()) : new Array(new double[] {norms.path(p.name()).asDouble()}, 1);
    }

    private static double norm(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(v -> v * v).sum());
    }
}
