package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.loss.HungarianMatcher;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.testing.PortableGenerator;

/** Whole models against the published implementation: outputs of every stage, matches, losses, gradients, detections. */
class ModelGoldenTest {
    /** Multiples of the noise that fp32 itself shows against fp64. */
    private static final double NOISE = 8;

    @Test
    void tiny_everything() {
        everything(new CpuDevice(2, -1));
    }

    @Test
    void tiny_everything_on_the_cuda_device_without_a_gpu() {
        everything(NullGpu.lateDevice());
    }

    private static void everything(Device opened) {
        Golden golden = Golden.load("model_tiny");
        JsonNode json = golden.json();
        try (Device device = opened; GoldenModel m = model(device, json, golden, "")) {
            checkForward(m, golden, "train/", json.get("fp32_vs_fp64"), true);
            checkDetections(m, golden, "eval/", json.get("postprocess_hw"), json.get("fp32_vs_fp64"));
            List<List<HungarianMatcher.Pairs>> matches = new ArrayList<>();
            Map<String, Double> losses = m.lossesAndGradients(matches);
            checkLosses(losses, golden, "", json.get("fp32_vs_fp64"));
            checkMatches(m, matches, golden, "");
            for (Parameter p : m.model.parameters().trainable()) {
                Array got = GoldenModel.gradient(p);
                double allowed = NOISE * json.get("fp32_vs_fp64").get("grads").get(p.name()).get(0).asDouble()
                        + 4e-6 * json.get("fp32_vs_fp64").get("grads").get(p.name()).get(1).asDouble() + 1e-8;
                near("grad " + p.name(), got, golden, "grad/" + p.name(), allowed);
            }
            m.model.parameters().clearGradients();
        }
    }

    @TestFactory
    Stream<DynamicTest> tiny_variants() {
        Golden golden = Golden.load("model_tiny_variants");
        JsonNode tiny = Golden.json("model_tiny");
        return golden.json().get("variants").properties().stream().map(e -> DynamicTest.dynamicTest(e.getKey(), () -> {
            JsonNode v = e.getValue();
            String prefix = e.getKey() + "/";
            List<String> overrides = new ArrayList<>(List.of("MODEL.BACKBONE.FREEZE_AT", v.get("config_diff").get("FREEZE_AT").asText(),
                    "MODEL.FPN.FUSE_TYPE", v.get("config_diff").get("FPN.FUSE_TYPE").asText(),
                    "MODEL.RESNETS.STRIDE_IN_1X1", python(v.get("config_diff").get("STRIDE_IN_1X1"))));
            v.get("config_diff").get("SparseRCNN").properties().forEach(s -> overrides.addAll(List.of("MODEL.SparseRCNN." + s.getKey(), python(s.getValue()))));
            JsonNode weights = v.has("weights") ? v.get("weights") : tiny.get("weights");
            try (Device device = new CpuDevice(2, -1); GoldenModel m = new GoldenModel(device, tiny.get("config_yaml").asText(), overrides, weights,
                    golden.json().get("portable_seed").asLong(), v.get("image_sizes_hw"), golden, prefix)) {
                checkForward(m, golden, prefix, null, false);
                checkDetections(m, golden, prefix + "eval/", v.get("postprocess_hw"), tiny.get("fp32_vs_fp64"));
                List<List<HungarianMatcher.Pairs>> matches = new ArrayList<>();
                checkLosses(m.lossesAndGradients(matches), golden, prefix, null);
                checkMatches(m, matches, golden, prefix);
                List<String> frozen = new ArrayList<>();
                v.get("params_without_grad").forEach(n -> frozen.add(n.asText()));
                for (Parameter p : m.model.parameters().all()) {
                    if (p.kind() != Parameter.Kind.BUFFER) {
                        assertThat(p.variable().grad() == null).as("no gradient for " + p.name()).isEqualTo(frozen.contains(p.name()));
                    }
                }
                checkNorms(m, v.get("grad_l2"), 1e-4);
                checkSamples(m, golden, prefix + "gradsample/");
                m.model.parameters().clearGradients();
            }
        }));
    }

    private static String python(JsonNode n) {
        return n.isBoolean() ? (n.asBoolean() ? "True" : "False") : n.isTextual() ? "'" + n.asText() + "'" : n.asText();
    }

    @Test
    void r18() {
        full("model_r18", 1e-4);
    }

    @Test
    void r50() {
        full("model_r50", 1e-2);
    }

    @Test
    void r101() {
        full("model_r101", 1e-2);
    }

    /** Full-size models: outputs closely, gradients by their norms (single entries flip with the sign of ReLU inputs near 0). */
    private static void full(String group, double gradientTolerance) {
        Golden golden = Golden.load(group);
        JsonNode json = golden.json();
        try (Device device = new CpuDevice(2, -1); GoldenModel m = model(device, json, golden, "")) {
            checkForward(m, golden, "", json.get("fp32_vs_fp64"), false);
            checkDetections(m, golden, "eval/", json.get("postprocess_hw"), json.get("fp32_vs_fp64"));
            if (json.has("grad_l2")) {
                List<List<HungarianMatcher.Pairs>> matches = new ArrayList<>();
                checkLosses(m.lossesAndGradients(matches), golden, "", json.get("fp32_vs_fp64"));
                checkMatches(m, matches, golden, "");
                checkNorms(m, json.get("grad_l2"), gradientTolerance);
                m.model.parameters().clearGradients();
            }
        }
    }

    private static GoldenModel model(Device device, JsonNode json, Golden golden, String prefix) {
        return new GoldenModel(device, json.get("config_yaml").asText(), List.of(), json.get("weights"), json.get("portable_seed").asLong(),
                json.get("image_sizes_hw"), golden, prefix);
    }

    /** Logits and boxes of every stage. */
    private static void checkForward(GoldenModel m, Golden golden, String prefix, JsonNode noise, boolean features) {
        try (Tape tape = Tape.inference(m.model.device())) {
            List<SparseRcnn.Stage> stages = m.model.apply(tape, ImageBatch.of(tape, m.pictures, m.model.config()));
            for (int s = 0; s < stages.size(); s++) {
                String head = "head" + s;
                near(head + " logits", array(stages.get(s).logits().value().toFloats(), stages.get(s).logits().shape().toArray()), golden,
                        prefix + head + ".logits", allowed(noise, head + ".logits", 1e-5, golden, prefix + head + ".logits"));
                near(head + " boxes", array(stages.get(s).boxesXyxyPx().value().toFloats(), stages.get(s).boxesXyxyPx().shape().toArray()), golden,
                        prefix + head + ".boxes", allowed(noise, head + ".boxes", 1e-5, golden, prefix + head + ".boxes"));
                if (features) {
                    near(head + " features", array(stages.get(s).features().value().toFloats(), stages.get(s).features().shape().toArray()), golden,
                            prefix + head + ".obj_features", allowed(noise, head + ".obj_features", 1e-5, golden, prefix + head + ".obj_features"));
                }
            }
        }
    }

    /** Recorded noise times {@link #NOISE}, or a relative tolerance where none is recorded. */
    private static double allowed(JsonNode noise, String name, double relative, Golden golden, String tensor) {
        JsonNode n = noise == null ? null : noise.path("intermediates").path(name);
        if (n != null && n.isArray()) {
            JsonNode pair = n.get(0).isArray() ? n.get(0) : n;
            return NOISE * pair.get(0).asDouble() + 2e-6 * pair.get(1).asDouble();
        }
        return relative * (1 + Arrays.stream(golden.any(tensor).values()).map(Math::abs).max().orElse(0));
    }

    private static void checkLosses(Map<String, Double> got, Golden golden, String prefix, JsonNode noise) {
        got.forEach((name, value) -> {
            double wanted = golden.array(prefix + "loss/" + name).values()[0];
            double allowed = noise == null ? 2e-5 * (1 + Math.abs(wanted)) : NOISE * noise.get("losses").get(name).get(0).asDouble() + 2e-6 * (1 + Math.abs(wanted));
            assertThat(Math.abs(value - wanted)).as(prefix + name + " = " + value + ", wanted " + wanted).isLessThanOrEqualTo(allowed);
        });
    }

    private static void checkMatches(GoldenModel m, List<List<HungarianMatcher.Pairs>> matches, Golden golden, String prefix) {
        for (int s = 0; s < matches.size(); s++) {
            // Without deep supervision the recording numbers its only matching 0.
            int stage = m.model.config().sparseRcnn().deepSupervision() ? s : 0;
            for (int b = 0; b < m.targets.size(); b++) {
                String at = prefix + "match/head" + stage + ".b" + b;
                assertThat(matches.get(s).get(b).proposals()).as(at).containsExactly(ints(golden.array(at + ".src")));
                assertThat(matches.get(s).get(b).objects()).as(at).containsExactly(ints(golden.array(at + ".tgt")));
            }
        }
    }

    private static void checkNorms(GoldenModel m, JsonNode norms, double relative) {
        double total = Math.sqrt(norms.properties().stream().mapToDouble(e -> Math.pow(e.getValue().asDouble(), 2)).sum());
        for (Parameter p : m.model.parameters().trainable()) {
            if (p.variable().grad() == null) {
                assertThat(norms.has(p.name())).as("gradient of " + p.name()).isFalse();
                continue;
            }
            double got = Math.sqrt(Arrays.stream(GoldenModel.gradient(p).values()).map(v -> v * v).sum());
            double wanted = norms.get(p.name()).asDouble();
            // The key part of in_proj_bias has gradient 0 but for rounding; such norms are held to the whole gradient's scale.
            assertThat(Math.abs(got - wanted)).as("norm of grad " + p.name() + " = " + got + ", wanted " + wanted)
                    .isLessThanOrEqualTo(relative * wanted + 1e-7 * total);
        }
    }

    /** A few elements of each gradient. */
    private static void checkSamples(GoldenModel m, Golden golden, String prefix) {
        for (Parameter p : m.model.parameters().trainable()) {
            if (p.variable().grad() == null) {
                continue;
            }
            double[] got = GoldenModel.gradient(p).values();
            double[] wanted = golden.array(prefix + p.name()).values();
            int[] at = PortableGenerator.positions(prefix + p.name(), wanted.length, got.length);
            double largest = Arrays.stream(got).map(Math::abs).max().orElse(0);
            for (int i = 0; i < wanted.length; i++) {
                assertThat(Math.abs(got[at[i]] - wanted[i])).as("%s%s[%d] = %s, wanted %s", prefix, p.name(), at[i], got[at[i]], wanted[i])
                        .isLessThanOrEqualTo(1e-4 * largest + 1e-7);
            }
        }
    }

    /** Detections of each image scaled to the recorded size, paired by class, score and box. */
    private static void checkDetections(GoldenModel m, Golden golden, String prefix, JsonNode sizes, JsonNode noise) {
        for (int i = 0; i < m.pictures.size(); i++) {
            if (!golden.has(prefix + "post" + i + ".scores")) {
                continue;
            }
            ImageBatch.Picture picture = m.pictures.get(i);
            Detections found;
            try (Tape tape = Tape.inference(m.model.device())) {
                // In one batch as recorded: padding reaches into the features of the smaller images.
                SparseRcnn.Stage last = m.model.apply(tape, ImageBatch.of(tape, m.pictures, m.model.config())).getLast();
                found = Detections.select(image(last.logits().value().toFloats(), i, m.pictures.size()),
                        image(last.boxesXyxyPx().value().toFloats(), i, m.pictures.size()), m.model.config().sparseRcnn())
                        .scaled(picture.width(), picture.height(), sizes.get(i).get(1).asInt(), sizes.get(i).get(0).asInt());
            }
            // The noise of the last stage's boxes, in pixels of the size they are scaled to.
            JsonNode boxNoise = noise.get("intermediates").get("head" + (m.model.config().sparseRcnn().numHeads() - 1) + ".boxes").get(0);
            double scale = Math.max(sizes.get(i).get(0).asDouble() / picture.height(), sizes.get(i).get(1).asDouble() / picture.width());
            double tolerancePx = scale * (NOISE * boxNoise.get(0).asDouble() + 2e-6 * boxNoise.get(1).asDouble());
            double[] scores = golden.array(prefix + "post" + i + ".scores").values();
            double[] boxes = golden.array(prefix + "post" + i + ".pred_boxes").values();
            double[] classes = golden.array(prefix + "post" + i + ".pred_classes").values();
            assertThat(found.count()).as(prefix + "post" + i).isEqualTo(scores.length);
            // Equal scores come in no order: each recorded detection must have a partner of its class, score and box.
            boolean[] taken = new boolean[scores.length];
            for (int k = 0; k < scores.length; k++) {
                int w = k;
                int partner = IntStream.range(0, scores.length).filter(g -> !taken[g] && found.classes()[g] == (int) classes[w]
                        && Math.abs(found.scores()[g] - scores[w]) <= 1e-5 && IntStream.range(0, 4)
                                .allMatch(c -> Math.abs(found.boxesXyxyPx()[4 * g + c] - boxes[4 * w + c]) <= tolerancePx)).findFirst().orElse(-1);
                assertThat(partner).as("%spost%d: partner of detection %d, class %s, score %s, box %s", prefix, i, k, classes[k], scores[k],
                        Arrays.toString(Arrays.copyOfRange(boxes, 4 * k, 4 * k + 4))).isNotNegative();
                taken[partner] = true;
            }
        }
    }

    private static float[] image(float[] all, int i, int n) {
        return Arrays.copyOfRange(all, i * (all.length / n), (i + 1) * (all.length / n));
    }

    private static int[] ints(Array a) {
        return Arrays.stream(a.values()).mapToInt(v -> (int) v).toArray();
    }

    private static Array array(float[] f, long... shape) {
        double[] v = new double[f.length];
        for (int i = 0; i < v.length; i++) {
            v[i] = f[i];
        }
        return new Array(v, shape);
    }

    /** Compares with a recorded tensor, whole or sampled. */
    private static void near(String what, Array got, Golden golden, String tensor, double allowed) {
        Array wanted = golden.any(tensor);
        int n = got.values().length;
        int count = wanted.values().length;
        for (int i = 0; i < count; i++) {
            int at = (int) ((long) i * n / count);
            double difference = Math.abs(got.values()[at] - wanted.values()[i]);
            if (!(difference <= allowed)) {
                throw new AssertionError(what + "[" + at + "] = " + got.values()[at] + ", wanted " + wanted.values()[i] + " within " + allowed);
            }
        }
    }
}
