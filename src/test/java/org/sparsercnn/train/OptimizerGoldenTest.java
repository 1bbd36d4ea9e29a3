package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.dist.LocalGroup;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.testing.GoldenWeights;
import org.sparsercnn.testing.PortableGenerator;

/** Three optimiser steps of the tiny model against the published implementation: losses, gradient norms, parameters. */
class OptimizerGoldenTest {
    @ParameterizedTest
    @ValueSource(strings = {"adamw", "sgd"})
    void three_steps(String kind) {
        Golden golden = Golden.load("model_tiny");
        GoldenWeights weights = GoldenWeights.load("model_tiny");
        JsonNode recorded = golden.json().get(kind);
        Config config = weights.config().with("SOLVER.OPTIMIZER", kind.equals("sgd") ? "SGD" : "ADAMW");
        double lr = recorded.get("lr").asDouble();
        Rng rng = new Rng(1);
        try (Device device = new CpuDevice(2, -1); SparseRcnn model = new SparseRcnn(device, config.model());
                TrainingState state = new TrainingState(model, config, rng)) {
            weights.fill(model);
            TrainingStep step = new TrainingStep(model, state, LocalGroup.alone());
            for (int i = 0; i < 3; i++) {
                StepResult result = step.run(batch(golden), lr).await();
                double loss = recorded.get("loss_at_step").get(i).asDouble();
                double norm = recorded.get("grad_norm_at_step").get(i).asDouble();
                assertThat(Math.abs(result.total() - loss) / loss).as("loss at step %d", i).isLessThan(2e-5);
                assertThat(Math.abs(result.gradientNorm() - norm) / norm).as("gradient norm at step %d", i).isLessThan(2e-4);
            }
            for (Parameter p : model.parameters().trainable()) {
                if (!p.name().endsWith("in_proj_bias")) { // its key third has gradient 0 but for rounding, which Adam amplifies
                    near(p, golden.any(kind + "3/" + p.name()), lr);
                }
            }
        }
    }

    private static List<Sample> batch(Golden golden) {
        List<Sample> batch = new ArrayList<>();
        JsonNode sizes = golden.json().get("image_sizes_hw");
        for (int i = 0; i < sizes.size(); i++) {
            int h = sizes.get(i).get(0).asInt();
            int w = sizes.get(i).get(1).asInt();
            byte[] pixels = PortableGenerator.picture("image" + i, golden.json().get("portable_seed").asLong(), h, w);
            double[] classes = golden.array("in/gt_classes" + i).values();
            int[] labels = new int[classes.length];
            for (int k = 0; k < labels.length; k++) {
                labels[k] = (int) classes[k];
            }
            batch.add(new Sample(i, Path.of("image" + i), new ImageSize(w, h), new Image(w, h, pixels), golden.array("in/gt_boxes" + i).floats(),
                    labels, List.of()));
        }
        return batch;
    }

    /**
     * Adam divides a gradient by its own size, so where it is rounding noise its sign, and the step of lr, are arbitrary: all but a few
     * elements must agree to a hundredth of a step, and no element may be more than six steps away.
     */
    private static void near(Parameter p, Array wanted, double lr) {
        float[] got = p.published();
        int count = wanted.values().length;
        int off = 0;
        for (int i = 0; i < count; i++) {
            double difference = Math.abs(got[(int) ((long) i * got.length / count)] - wanted.values()[i]);
            double scale = 1e-6 * Math.abs(wanted.values()[i]) + lr / 100;
            assertThat(difference).as(p.name() + "[" + i + "]").isLessThanOrEqualTo(6 * lr);
            off += difference > scale ? 1 : 0;
        }
        assertThat(off).as("elements of " + p.name() + " off by more than a hundredth of a step, of " + count).isLessThanOrEqualTo(Math.max(1, count / 100));
    }
}
