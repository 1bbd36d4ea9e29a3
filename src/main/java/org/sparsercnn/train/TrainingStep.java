package org.sparsercnn.train;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Rng;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.loss.Target;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.optim.Optimizer;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Forward, losses, backward, the sum of gradients over ranks, update. Nothing here waits for the device: what the host wants to
 * know of a step comes in one {@linkplain PendingStep readback}.
 */
public final class TrainingStep {
    /**
     * What is read back of a step: F32, the objects in all ranks' batches, how many ranks ask to stop, this rank's terms, the
     * sum of all terms over ranks, and the optimiser's {@linkplain Optimizer#stats stats}.
     */
    static final class Report {
        static final int OBJECTS = 0;
        static final int STOP = 1;
        static final int TERMS = 2;

        private Report() {}

        static int total(int terms) {
            return TERMS + terms;
        }

        static int stats(int terms) {
            return TERMS + terms + 1;
        }

        static int size(int terms) {
            return TERMS + terms + 3;
        }
    }

    private final SparseRcnn model;
    private final SetCriterion criterion;
    private final Optimizer optimizer;
    private final Collective group;
    private final Rng rng;
    private final DType compute;
    private final List<Parameter> trained;

    public TrainingStep(SparseRcnn model, Optimizer optimizer, Collective group, Rng rng) {
        this(model, optimizer, group, rng, DType.F32);
    }

    /** @param compute type of activations and of the factors of products: F32 or BF16; see {@link Tape#compute} */
    public TrainingStep(SparseRcnn model, Optimizer optimizer, Collective group, Rng rng, DType compute) {
        this.model = model;
        this.criterion = new SetCriterion(model.config().sparseRcnn());
        this.optimizer = optimizer;
        this.group = group;
        this.rng = rng;
        this.compute = compute;
        this.trained = model.parameters().trainable();
    }

    /** How many replicas share a batch. */
    int ranks() {
        return group.size();
    }

    /** Whether results may come after {@link #run} has returned. */
    boolean runsBehind() {
        return model.device().runsBehind();
    }

    /** Trains on one batch; every rank calls it with its share. */
    public PendingStep run(List<Sample> batch, double lr) {
        return run(batch, lr, false);
    }

    /** @param stop this rank's wish to stop, of which every rank learns with the result */
    PendingStep run(List<Sample> batch, double lr, boolean stop) {
        try (Tape tape = Tape.training(model.device(), rng, compute)) {
            int terms = criterion.names().size();
            Tensor report = gradients(tape, batch, stop);
            optimizer.step(lr, report.narrow(0, Report.total(terms), 1));
            optimizer.clearGradients();
            report.narrow(0, Report.stats(terms), 2).copyFrom(optimizer.stats());
            return new PendingStep(model.device().read(report, report.bytes()), criterion.names());
        }
    }

    /** Forward and backward: leaves the gradients, summed over ranks, in the parameters. All but stats of the {@link Report}. */
    Tensor gradients(Tape tape, List<Sample> batch, boolean stop) {
        ImageBatch images = Samples.batch(tape, batch, model);
        List<Target> targets = new ArrayList<>();
        int objects = 0;
        for (Sample s : batch) {
            targets.add(new Target(s.classes(), s.boxesXyxyPx()));
            objects += s.classes().length;
        }
        int terms = criterion.names().size();
        Tensor report = tape.empty(Shape.of(Report.size(terms)));
        Tensor shared = report.narrow(0, Report.OBJECTS, 2);
        shared.set(new float[] {objects, stop ? 1 : 0});
        group.allReduceSum(shared, 2);

        List<SetCriterion.Prediction> stages = new ArrayList<>();
        for (SparseRcnn.Stage s : model.apply(tape, images)) {
            stages.add(new SetCriterion.Prediction(s.logits(), s.boxesXyxyPx()));
        }
        Tensor all = report.narrow(0, Report.OBJECTS, 1);
        SetCriterion.Losses losses = criterion.apply(tape, stages, targets, images.whwh(), all, group.size());
        report.narrow(0, Report.TERMS, terms + 1).copyFrom(losses.terms());
        group.allReduceSum(report.narrow(0, Report.total(terms), 1), 1);
        losses.backward(tape);
        for (Parameter p : trained) {
            Tensor grad = p.variable().grad();
            if (grad == null) { // nothing led here this step; the other ranks still wait for its sum
                p.variable().zeroGradient();
                grad = p.variable().grad();
            }
            group.allReduceSum(grad, grad.elements());
        }
        return report;
    }
}
