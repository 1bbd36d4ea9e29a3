package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.loss.Target;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.Predictor;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.op.Cast;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.train.Accumulation;
import org.sparsercnn.train.PendingStep;
import org.sparsercnn.train.Samples;
import org.sparsercnn.train.TrainingState;
import org.sparsercnn.train.TrainingStep;

/** A model with fresh weights and one batch of noise, for inference and for training steps: what is timed. */
public final class Workload implements AutoCloseable {
    /** So small that the weights of a model that learns from noise stay finite for any number of steps. */
    private static final double LR = 2.5e-5;
    private static final int SMALLEST_OBJECT = 16;

    private final Config config;
    private final SparseRcnn model;
    private final DType compute;
    private final Rng rng = new Rng(0);
    private final List<Sample> batch = new ArrayList<>();
    private final int recordings;
    private Predictor predictor;
    private TrainingState state;
    private TrainingStep step;

    /**
     * @param batch images of {@code height} x {@code width}, each with so many {@code objects}
     * @param recordings see {@link Predictor.Settings}
     */
    public Workload(Device device, Config config, int batch, int height, int width, int objects, int recordings) {
        this.config = config;
        this.recordings = recordings;
        this.compute = Compute.of(config, device);
        this.model = new SparseRcnn(device, config.model());
        Initialization.apply(model, 0);
        Random random = new Random(0);
        for (int i = 0; i < batch; i++) {
            this.batch.add(sample(random, i, height, width, objects));
        }
    }

    private Sample sample(Random random, int id, int height, int width, int objects) {
        byte[] pixels = new byte[height * width * Image.CHANNELS];
        random.nextBytes(pixels);
        int[] classes = new int[objects];
        float[] boxesXyxyPx = new float[4 * objects];
        for (int i = 0; i < objects; i++) {
            classes[i] = random.nextInt(config.model().sparseRcnn().numClasses());
            float x = random.nextFloat(width / 2f);
            float y = random.nextFloat(height / 2f);
            boxesXyxyPx[4 * i] = x;
            boxesXyxyPx[4 * i + 1] = y;
            boxesXyxyPx[4 * i + 2] = x + SMALLEST_OBJECT + random.nextFloat(width / 3f);
            boxesXyxyPx[4 * i + 3] = y + SMALLEST_OBJECT + random.nextFloat(height / 3f);
        }
        return new Sample(id, Path.of("noise" + id), new ImageSize(width, height), new Image(width, height, pixels), boxesXyxyPx, classes, List.of());
    }

    /** How many weights the model has, frozen ones included, statistics of norms not. */
    long parameters() {
        return model.parameters().count();
    }

    /** One forward pass from 8-bit pixels on the host to the last stage's logits and boxes there. */
    public Predictor.Output infer() {
        if (predictor == null) {
            predictor = new Predictor(model, new Predictor.Settings(compute, recordings));
        }
        return predictor.run(Samples.pictures(batch));
    }

    /** One training step as the config's solver has it, queued. */
    public PendingStep train() {
        if (step == null) {
            state = new TrainingState(model, config, rng);
            step = new TrainingStep(model, state, Collective.OF_ONE, compute, Accumulation.NONE);
        }
        return step.run(batch, LR);
    }

    private void inferByPart(Consumer<String> queued) {
        try (Tape tape = Tape.inference(model.device(), compute, null)) {
            ImageBatch images = Samples.batch(tape, batch, model);
            queued.accept("pixels");
            SparseRcnn.Stage last = model.apply(tape, images, queued).getLast();
            Cast.toF32(tape, last.logits()).value().toFloats();
            Cast.toF32(tape, last.boxesXyxyPx()).value().toFloats();
            queued.accept("outputs");
        }
    }

    private void trainByPart(Consumer<String> queued) {
        try (Tape tape = Tape.training(model.device(), rng, compute)) {
            ImageBatch images = Samples.batch(tape, batch, model);
            queued.accept("pixels");
            List<SetCriterion.Prediction> stages = model.apply(tape, images, queued).stream()
                    .map(s -> new SetCriterion.Prediction(s.logits(), s.boxesXyxyPx())).toList();
            List<Target> targets = batch.stream().map(s -> new Target(s.classes(), s.boxesXyxyPx())).toList();
            Tensor objects = tape.floats(new float[] {targets.stream().mapToInt(Target::count).sum()}, 1);
            SetCriterion criterion = new SetCriterion(config.model().sparseRcnn());
            SetCriterion.Losses losses = criterion.apply(tape, stages, targets, images.whwh(), criterion.divisors(targets, objects, 1));
            queued.accept("loss");
            losses.backward(tape);
            queued.accept("backward");
            state.optimizer().step(LR);
            state.optimizer().clearGradients();
            queued.accept("optimizer");
        }
    }

    /** A pass of that kind, launch by launch, after at least one without parts. */
    void run(Bench.Mode mode, Consumer<String> queued) {
        switch (mode) {
            case INFER -> inferByPart(queued);
            case TRAIN -> trainByPart(queued);
        }
    }

    @Override
    public void close() {
        if (predictor != null) {
            predictor.close();
        }
        if (state != null) {
            state.close();
        }
        model.close();
    }
}
