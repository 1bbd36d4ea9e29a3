package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.testing.GoldenWeights;

/** Twenty training steps beside the PyTorch peer from the same weights on the same batches. */
class LearningGoldenTest {
    @Test
    void tiny_with_adamw() {
        compare("tiny", "model_tiny", "adamw");
    }

    @Test
    void tiny_with_sgd() {
        compare("tiny", "model_tiny", "sgd");
    }

    @Test
    void r50_with_adamw() {
        compare("r50", "model_r50", "adamw");
    }

    @Test
    void r50_with_sgd() {
        compare("r50", "model_r50", "sgd");
    }

    private void compare(String recording, String group, String optimizer) {
        JsonNode recorded = Golden.json("learning/" + recording);
        GoldenWeights golden = GoldenWeights.load(group);
        Config config = golden.config().with("SOLVER.OPTIMIZER", optimizer.equals("adamw") ? "ADAMW" : "SGD");
        double lr = recorded.get(optimizer).get("lr").asDouble();
        int height = recorded.get("size").get(0).asInt();
        int width = recorded.get("size").get(1).asInt();
        try (Device device = new CpuDevice(2, -1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            Map<String, float[]> before = new HashMap<>();
            golden.fill(model);
            recorded.get("weights").properties().forEach(w -> golden.fill(model.parameters().get(w.getKey()), w.getValue()));
            model.parameters().trainable().forEach(p -> before.put(p.name(), p.published()));
            Rng rng = new Rng(1);
            TrainingState state = new TrainingState(model, config, rng);
            TrainingStep step = new TrainingStep(model, state, LocalGroup.alone());
            // The full-size model's weights make AdamW chaotic: the peer itself, on one thread or two, parts by more than a thousandth.
            double tolerance = Math.max(1e-3, 2 * recorded.get(optimizer).get("noise").asDouble());
            // One tensor of the full-size model, a box layer that hardly moves, is 1.3 % off with SGD.
            double normTolerance = Math.max(recording.equals("r50") ? 1.5e-2 : 1e-2, 2 * roundingOfNorms(recorded.get(optimizer)));
            JsonNode losses = recorded.get(optimizer).get("losses");
            double first = 0;
            double last = 0;
            for (int i = 0; i < losses.size(); i++) {
                StepResult result = step.run(FixedBatches.batch(recorded.get("batch").asInt(), recorded.get("images").asInt(), height, width,
                        config.model().sparseRcnn().numClasses()), lr).await();
                double wanted = losses.get(i).asDouble();
                assertThat(result.finite()).isTrue();
                assertThat(Math.abs(result.total() - wanted) / wanted).as("step %d: loss %s, PyTorch %s", i, result.total(), wanted)
                        .isLessThan(tolerance);
                first = i == 0 ? result.total() : first;
                last = result.total();
            }
            assertThat(last).as("loss at the last step").isLessThan(0.9 * first);
            for (Parameter p : model.parameters().trainable()) {
                if (p.name().endsWith("in_proj_bias")) { // its key third has gradient 0 but for rounding, which Adam amplifies
                    continue;
                }
                double wanted = recorded.get(optimizer).get("update_norms").get(p.name()).asDouble();
                // Weight decay alone moves a tensor without gradient, by less than fp32 resolves.
                assertThat(Math.abs(change(before.get(p.name()), p.published()) - wanted)).as("change of " + p.name() + ", wanted " + wanted)
                        .isLessThan(normTolerance * wanted + 1e-6);
            }
            state.close();
        }
    }

    /** How far the peer's own changes part at most when it sums in another order, relative: Adam turns a gradient of noise into whole steps. */
    private static double roundingOfNorms(JsonNode recorded) {
        return recorded.get("update_norms").properties().stream()
                .filter(e -> e.getValue().asDouble() > 1e-5 && !e.getKey().endsWith("in_proj_bias"))
                .mapToDouble(e -> Math.abs(recorded.get("update_norms_again").get(e.getKey()).asDouble() / e.getValue().asDouble() - 1)).max().orElse(0);
    }

    private static double change(float[] before, float[] after) {
        double square = 0;
        for (int i = 0; i < after.length; i++) {
            square += Math.pow((double) after[i] - before[i], 2);
        }
        return Math.sqrt(square);
    }
}
