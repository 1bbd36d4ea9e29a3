package org.sparsercnn.train;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.io.HostTensor;
import org.sparsercnn.io.StateDict;
import org.sparsercnn.model.Initialization;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.testing.GoldenWeights;

/**
 * A small training on fixed batches of {@link #IMAGES} images, of which each rank of a group has an equal share. Images of one size, focal
 * loss and no dropout: what comes out does not depend on the number of ranks but by rounding.
 */
public final class SplitTraining {
    public static final int IMAGES = 8;
    public static final int STEPS = 20;
    /** Prefixes of what {@link #run} finds. */
    public static final String GRADIENT = "gradient ";
    public static final String START = "start ";
    public static final String WEIGHT = "weight ";
    public static final String LOSSES = "losses";
    private static final int SIZE = 64;
    private static final int CLASSES = 5;
    private static final int BATCHES = 2;
    private static final double SGD_LR = 3e-4;
    private static final double ADAMW_LR = 1e-5;
    private static final GoldenWeights TINY = GoldenWeights.load("model_tiny");
    private static final Config QUICKSTART = Config.load(Path.of(System.getProperty("basedir", ""), "configs/quickstart.yaml"), List.of());
    /** Rounding turns a ReLU where its input is nearly zero, and a gradient shows that: the fewer there are behind each other, the rarer it is. */
    private static final String[] FEW_UNITS = {"MODEL.SparseRCNN.NUM_HEADS", "1", "MODEL.SparseRCNN.NUM_PROPOSALS", "6"};
    private static final Config FROZEN = TINY.config().with(FEW_UNITS);
    private static final Config SYNCHRONISED = QUICKSTART.with(FEW_UNITS).with("MODEL.RESNETS.NORM", "SyncBN", "MODEL.FPN.NORM", "SyncBN",
            "MODEL.BACKBONE.FREEZE_AT", "4", "MODEL.FPN.OUT_CHANNELS", "32", "MODEL.SparseRCNN.HIDDEN_DIM", "32", "MODEL.SparseRCNN.DIM_DYNAMIC", "8",
            "MODEL.SparseRCNN.DIM_FEEDFORWARD", "32");

    /** What is trained, and how. */
    public enum Scenario {
        FROZEN_BN(FROZEN, Accumulation.NONE, Reduction.DEFAULT),
        SYNC_BN(SYNCHRONISED, Accumulation.NONE, Reduction.DEFAULT),
        ACCUMULATION(FROZEN, new Accumulation(2), Reduction.DEFAULT),
        BF16_SUMS(FROZEN, Accumulation.NONE, new Reduction(1 << 16, DType.BF16));

        private final Config config;
        private final Accumulation accumulation;
        private final Reduction reduction;

        Scenario(Config config, Accumulation accumulation, Reduction reduction) {
            this.config = config;
            this.accumulation = accumulation;
            this.reduction = reduction;
        }

        /** The same training, of the batch in one go and without sums in bf16. */
        public Scenario plain() {
            return config == FROZEN ? FROZEN_BN : this;
        }
    }

    private final Scenario scenario;
    private final Collective group;

    private SplitTraining(Scenario scenario, Collective group) {
        this.scenario = scenario;
        this.group = group;
    }

    /**
     * This rank's part of it; every rank of the group calls it.
     *
     * @return for each trained parameter its gradient in the first step; all parameters and statistics at first and after {@link #STEPS} of SGD;
     *         and the losses of as many steps of AdamW, of all ranks' images
     */
    public static StateDict run(Scenario scenario, Collective group) {
        SplitTraining training = new SplitTraining(scenario, group);
        StateDict found = new StateDict();
        training.with("SGD", step -> training.sgd(step, found));
        training.with("ADAMW", step -> found.put(LOSSES, tensor(training.losses(step, ADAMW_LR))));
        return found;
    }

    private void with(String optimizer, Consumer<TrainingStep> work) {
        Config config = scenario.config.with("SOLVER.OPTIMIZER", optimizer);
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, config.model())) {
            if (config.model().resnets().depth() == QUICKSTART.model().resnets().depth()) {
                Initialization.apply(model, 1);
            } else {
                TINY.fill(model);
            }
            try (TrainingState state = new TrainingState(model, config, new Rng(1));
                    TrainingStep step = new TrainingStep(model, state, group, DType.F32, scenario.accumulation, scenario.reduction)) {
                work.accept(step);
            }
        }
    }

    private List<Sample> share(int batch) {
        int images = IMAGES / group.size();
        return FixedBatches.batch(batch % BATCHES, IMAGES, SIZE, SIZE, CLASSES).subList(images * group.rank(), images * (group.rank() + 1));
    }

    private void sgd(TrainingStep step, StateDict found) {
        SparseRcnn model = step.model();
        weights(model, START, found);
        List<Sample> first = share(0);
        try (Scope scope = new Scope(model.device())) {
            step.gradients(scope, first, first.stream().mapToInt(s -> s.classes().length).sum(), false);
        }
        for (Parameter p : model.parameters().trainable()) {
            found.put(GRADIENT + p.name(), tensor(p.variable().grad().toFloats()));
        }
        model.parameters().clearGradients();
        losses(step, SGD_LR);
        weights(model, WEIGHT, found);
    }

    private static void weights(SparseRcnn model, String prefix, StateDict found) {
        model.parameters().all().forEach(p -> found.put(prefix + p.name(), tensor(p.published())));
    }

    private static HostTensor tensor(float[] values) {
        return HostTensor.of(values, values.length);
    }

    /** Each rank divides by its share of all objects: the mean over ranks is the loss of the whole batch. */
    private float[] losses(TrainingStep step, double lr) {
        float[] losses = new float[STEPS];
        for (int i = 0; i < STEPS; i++) {
            List<Sample> batch = share(i);
            try (PendingStep pending = step.run(batch, lr)) {
                losses[i] = (float) (pending.attempt(i, batch, lr, group.size(), 0).totalOfRanks() / group.size());
            }
        }
        return losses;
    }
}
