package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.loss.Target;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.testing.GoldenWeights;
import org.sparsercnn.testing.PortableGenerator;

/** A recorded model: its config, weights, images and objects, rebuilt from the recording. */
final class GoldenModel implements AutoCloseable {
    final SparseRcnn model;
    final List<ImageBatch.Picture> pictures = new ArrayList<>();
    final List<Target> targets = new ArrayList<>();

    /**
     * @param yaml full config
     * @param overrides KEY VALUE …
     * @param prefix of the case's tensors in {@code golden}
     */
    GoldenModel(Device device, String yaml, List<String> overrides, JsonNode weights, long seed, JsonNode sizes, Golden golden, String prefix) {
        Config config = GoldenWeights.config(yaml, overrides);
        model = new SparseRcnn(device, config.model());
        for (Parameter p : model.parameters().all()) {
            JsonNode spec = weights.get(p.name());
            assertThat(spec).as("recorded weight " + p.name()).isNotNull();
            assertThat(spec.get("shape").toString()).as(p.name()).isEqualTo(java.util.Arrays.toString(p.publishedShape()).replace(" ", ""));
            p.setPublished(PortableGenerator.weight(p.name(), spec, seed, (int) p.value().elements()));
        }
        assertThat(model.parameters().all()).as("parameters and buffers").hasSize(weights.size());
        for (int i = 0; i < sizes.size(); i++) {
            int h = sizes.get(i).get(0).asInt();
            int w = sizes.get(i).get(1).asInt();
            pictures.add(new ImageBatch.Picture(PortableGenerator.picture("image" + i, seed, h, w), w, h));
            double[] classes = golden.array(prefix + "in/gt_classes" + i).values();
            int[] indices = new int[classes.length];
            for (int k = 0; k < indices.length; k++) {
                indices[k] = (int) classes[k];
            }
            targets.add(new Target(indices, golden.array(prefix + "in/gt_boxes" + i).floats()));
        }
    }

    /** Losses by name; gradients are left in the parameters. */
    Map<String, Double> lossesAndGradients(List<List<org.sparsercnn.loss.HungarianMatcher.Pairs>> matches) {
        return lossesAndGradients(DType.F32, matches);
    }

    /** @param compute type of activations */
    Map<String, Double> lossesAndGradients(DType compute, List<List<org.sparsercnn.loss.HungarianMatcher.Pairs>> matches) {
        Map<String, Double> values = new LinkedHashMap<>();
        try (Tape tape = Tape.training(model.device(), new Rng(1), compute)) {
            ImageBatch batch = ImageBatch.of(tape, pictures, model.config());
            List<SparseRcnn.Stage> stages = model.apply(tape, batch);
            Tensor objects = tape.floats(new float[] {targets.stream().mapToInt(Target::count).sum()}, 1);
            var criterion = new SetCriterion(model.config().sparseRcnn());
            var losses = criterion.apply(tape, stages.stream().map(s -> new SetCriterion.Prediction(s.logits(), s.boxesXyxyPx())).toList(),
                    targets, batch.whwh(), criterion.divisors(targets, objects, 1));
            matches.addAll(losses.matches());
            float[] terms = losses.terms().toFloats();
            for (int i = 0; i < criterion.names().size(); i++) {
                values.put(criterion.names().get(i), (double) terms[i]);
            }
            losses.backward(tape);
        }
        return values;
    }

    /** Published layout; zeros where no gradient came. */
    static Array gradient(Parameter p) {
        Tensor g = p.variable().grad();
        float[] f = g == null ? new float[(int) p.value().elements()] : p.publishedOrder(g.toFloats());
        double[] v = new double[f.length];
        for (int i = 0; i < v.length; i++) {
            v[i] = f[i];
        }
        return new Array(v, p.publishedShape());
    }

    @Override
    public void close() {
        model.close();
    }
}
