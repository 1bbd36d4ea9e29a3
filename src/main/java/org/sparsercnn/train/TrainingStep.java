package org.sparsercnn.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.op.Add;
import org.sparsercnn.op.SetLoss;
import org.sparsercnn.optim.Optimizer;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Forward, losses and backward, of the batch or of one part of it after the other; the sum of gradients over ranks; update.
 * Nothing here waits for the device, but for the first step of several ranks: what the host wants to know of a step comes in one
 * {@linkplain PendingStep readback}.
 */
public final class TrainingStep implements AutoCloseable {
    /**
     * What is read back of a step: F32, the objects in all ranks' batches, how many ranks ask to stop, this rank's terms, the
     * sums over ranks of each term and of all together, and the optimiser's {@linkplain Optimizer#stats stats}.
     */
    static final class Report {
        static final int OBJECTS = 0;
        static final int STOP = 1;
        static final int TERMS = 2;

        private Report() {}

        static int sums(int terms) {
            return TERMS + terms;
        }

        static int total(int terms) {
            return sums(terms) + terms;
        }

        static int stats(int terms) {
            return total(terms) + 1;
        }

        static int size(int terms) {
            return stats(terms) + 2;
        }
    }

    private final SparseRcnn model;
    private final SetCriterion criterion;
    private final TrainingState state;
    private final Collective group;
    private final DType compute;
    private final Accumulation accumulation;
    private final Reduction reduction;
    private final GradientBuckets buckets;

    /** In fp32, the batch in one go. */
    public TrainingStep(SparseRcnn model, TrainingState state, Collective group) {
        this(model, state, group, DType.F32, Accumulation.NONE);
    }

    /** Gradients are summed over ranks as by default. */
    public TrainingStep(SparseRcnn model, TrainingState state, Collective group, DType compute, Accumulation accumulation) {
        this(model, state, group, compute, accumulation, Reduction.DEFAULT);
    }

    /**
     * @param state of the model's training: what a step changes
     * @param compute type of activations and of the factors of products: F32 or BF16; see {@link Tape#compute}
     */
    public TrainingStep(SparseRcnn model, TrainingState state, Collective group, DType compute, Accumulation accumulation,
            Reduction reduction) {
        this.model = model;
        this.criterion = new SetCriterion(model.config().sparseRcnn());
        this.state = state;
        this.group = group;
        this.compute = compute;
        this.accumulation = accumulation;
        this.reduction = reduction;
        this.buckets = new GradientBuckets(model.device(), model.parameters().trainable().stream().map(Parameter::variable).toList(), group, reduction);
    }

    SparseRcnn model() {
        return model;
    }

    TrainingState state() {
        return state;
    }

    Collective group() {
        return group;
    }

    /** How many replicas share a batch. */
    int ranks() {
        return group.size();
    }

    /** The same without the other ranks. */
    TrainingStep alone() {
        return new TrainingStep(model, state, Collective.OF_ONE, compute, accumulation, reduction);
    }

    /** Goes back to where the random numbers of a step began. */
    void restart(long randomCounter) {
        state.rng().restore(randomCounter);
    }

    List<List<Sample>> parts(List<Sample> batch) {
        return accumulation.cut(batch);
    }

    /** A pass as in training that leaves nothing behind. */
    Tape passWithoutTrace() {
        return Tape.statistics(model.device(), state.rng(), compute, 0);
    }

    /** Where the sum of all losses stands in the {@link Report}. */
    int totalAt() {
        return Report.total(criterion.names().size());
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
        return run(batch, batch.stream().mapToInt(s -> s.classes().length).sum(), lr, stop);
    }

    /** @param objects what the batch counts for where losses are divided by the number of objects; mostly the objects it has */
    PendingStep run(List<Sample> batch, double objects, double lr, boolean stop) {
        try (Scope scope = new Scope(model.device())) {
            int terms = criterion.names().size();
            long randomCounter = state.rng().counter();
            Tensor report = gradients(scope, batch, objects, stop);
            Optimizer optimizer = state.optimizer();
            optimizer.step(lr, report.narrow(0, Report.total(terms), 1));
            optimizer.clearGradients();
            state.average();
            report.narrow(0, Report.stats(terms), 2).copyFrom(optimizer.stats());
            return new PendingStep(group, model.device().read(report, report.bytes()), criterion.names(), randomCounter, buckets.exposed());
        }
    }

    /**
     * Forward and backward: leaves the gradients, summed over parts and ranks, in the parameters.
     *
     * @return all but stats of the {@link Report}; the scope's
     */
    Tensor gradients(Scope scope, List<Sample> batch, double objects, boolean stop) {
        int terms = criterion.names().size();
        Tensor report = scope.empty(Shape.of(Report.size(terms)));
        Tensor shared = report.narrow(0, Report.OBJECTS, 2);
        shared.set(new float[] {(float) objects, stop ? 1 : 0});
        group.allReduceSum(shared, 2);

        ImageBatch.Size size = ImageBatch.Size.of(Samples.pictures(batch)); // parts are padded alike: padding is seen at its edge
        SetLoss.Divisors divisors = criterion.divisors(Samples.targets(batch), report.narrow(0, Report.OBJECTS, 1), group.size());
        Tensor losses = report.narrow(0, Report.sums(terms), terms + 1);
        losses.zero();
        List<List<Sample>> parts = accumulation.cut(batch);
        for (List<Sample> part : parts) {
            addGradients(part, size, divisors, losses, part == parts.getLast() ? buckets::ready : _ -> {});
        }
        buckets.finish();
        report.narrow(0, Report.TERMS, terms).copyFrom(losses.narrow(0, 0, terms));
        group.allReduceSum(losses, terms + 1);
        return report;
    }

    /**
     * Of some images of a batch; adds their terms to {@code losses}.
     *
     * @param ready called for each parameter when backward of this part has passed it
     */
    private void addGradients(List<Sample> part, ImageBatch.Size size, SetLoss.Divisors divisors, Tensor losses, Consumer<Variable> ready) {
        try (Tape tape = Tape.training(model.device(), state.rng(), compute, group)) {
            ImageBatch images = Samples.part(tape, part, size, model);
            List<SetCriterion.Prediction> stages = new ArrayList<>();
            for (SparseRcnn.Stage s : model.apply(tape, images)) {
                stages.add(new SetCriterion.Prediction(s.logits(), s.boxesXyxyPx()));
            }
            SetCriterion.Losses found = criterion.apply(tape, stages, Samples.targets(part), images.whwh(), divisors);
            losses.copyFrom(Add.sum(tape, losses, found.terms()));
            found.backward(tape, ready);
        }
    }

    /** Frees what sums over ranks are made in. */
    @Override
    public void close() {
        buckets.close();
    }
}
