package org.sparsercnn.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.loss.Target;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.optim.AdamW;
import org.sparsercnn.optim.Clipping;
import org.sparsercnn.optim.Optimizer;
import org.sparsercnn.optim.Param;
import org.sparsercnn.tensor.Tensor;

/** A model with fresh weights and one batch of noise, for inference and for training steps (AdamW, full-model clipping at 1). */
final class Workload implements AutoCloseable {
    private static final double LR = 2.5e-5;

    private final Device device;
    private final SparseRcnn model;
    private final SetCriterion criterion;
    private final Rng rng = new Rng(0);
    private final int batch;
    private final int height;
    private final int width;
    private final float[] pixels;
    private final List<Target> targets = new ArrayList<>();
    private final Config config;
    private Optimizer optimizer;

    Workload(Device device, Config config, int batch, int height, int width, int objects) {
        this.device = device;
        this.config = config;
        this.batch = batch;
        this.height = height;
        this.width = width;
        model = new SparseRcnn(device, config.model());
        criterion = new SetCriterion(config.model().sparseRcnn());
        Initialization.apply(model, 0);
        Random random = new Random(0);
        pixels = new float[batch * height * width * 3];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) random.nextGaussian();
        }
        for (int n = 0; n < batch; n++) {
            targets.add(objects(random, objects));
        }
    }

    private Target objects(Random random, int count) {
        int[] classes = new int[count];
        float[] boxesXyxyPx = new float[4 * count];
        for (int i = 0; i < count; i++) {
            classes[i] = random.nextInt(config.model().sparseRcnn().numClasses());
            float x = random.nextFloat(width / 2f);
            float y = random.nextFloat(height / 2f);
            boxesXyxyPx[4 * i] = x;
            boxesXyxyPx[4 * i + 1] = y;
            boxesXyxyPx[4 * i + 2] = x + 16 + random.nextFloat(width / 3f);
            boxesXyxyPx[4 * i + 3] = y + 16 + random.nextFloat(height / 3f);
        }
        return new Target(classes, boxesXyxyPx);
    }

    private ImageBatch images(Tape tape) {
        Tensor x = tape.empty(batch, height, width, 3);
        x.set(pixels);
        Tensor whwh = tape.empty(batch, 4);
        float[] sizes = new float[4 * batch];
        for (int k = 0; k < sizes.length; k++) {
            sizes[k] = k % 2 == 0 ? width : height;
        }
        whwh.set(sizes);
        return new ImageBatch(Variable.constant(x), whwh);
    }

    /** One forward pass; reads the raw logits and boxes of every stage. */
    void infer() {
        try (Tape tape = Tape.inference(device)) {
            for (SparseRcnn.Stage stage : model.apply(tape, images(tape))) {
                stage.logits().value().toFloats();
                stage.boxesXyxyPx().value().toFloats();
            }
        }
    }

    /** Forward, losses, backward, update; returns the total loss. */
    double train() {
        if (optimizer == null) {
            Map<String, Variable> trainable = new LinkedHashMap<>();
            model.parameters().trainable().forEach(p -> trainable.put(p.name(), p.variable()));
            optimizer = new AdamW(device, Param.published(trainable, 1e-4, 1), Clipping.of(true, "full_model", 1, 2));
        }
        try (Tape tape = Tape.training(device, rng)) {
            ImageBatch images = images(tape);
            List<SetCriterion.Prediction> stages = model.apply(tape, images).stream()
                    .map(s -> new SetCriterion.Prediction(s.logits(), s.boxesXyxyPx())).toList();
            Tensor objects = tape.floats(new float[] {targets.stream().mapToInt(Target::count).sum()}, 1);
            SetCriterion.Losses losses = criterion.apply(tape, stages, targets, images.whwh(), objects, 1);
            losses.backward(tape);
            optimizer.step(LR);
            optimizer.clearGradients();
            return losses.terms().narrow(0, criterion.names().size(), 1).item();
        }
    }

    @Override
    public void close() {
        if (optimizer != null) {
            optimizer.close();
        }
        model.close();
    }
}
