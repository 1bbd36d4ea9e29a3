package org.sparsercnn.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.data.Sample;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.Rng;
import org.sparsercnn.loss.SetCriterion;
import org.sparsercnn.loss.Target;
import org.sparsercnn.model.ImageBatch;
import org.sparsercnn.model.SparseRcnn;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.op.Add;
import org.sparsercnn.optim.Optimizer;
import org.sparsercnn.tensor.Tensor;

/** Forward, losses, backward, the sum of gradients over ranks, update. */
public final class TrainingStep {
    private final SparseRcnn model;
    private final SetCriterion criterion;
    private final Optimizer optimizer;
    private final Collective group;
    private final Rng rng;

    public TrainingStep(SparseRcnn model, Optimizer optimizer, Collective group, Rng rng) {
        this.model = model;
        this.criterion = new SetCriterion(model.config().sparseRcnn());
        this.optimizer = optimizer;
        this.group = group;
        this.rng = rng;
    }

    /** Trains on one batch; every rank calls it with its share. */
    public StepResult run(List<Sample> batch, double lr) {
        try (Tape tape = Tape.training(model.device(), rng)) {
            Gradients g = gradients(tape, batch);
            optimizer.step(lr, g.total());
            model.parameters().clearGradients();
            float[] stats = optimizer.stats().toFloats();
            double total = g.losses().values().stream().mapToDouble(Float::doubleValue).sum();
            return new StepResult(g.losses(), total, stats[0], stats[1] != 0);
        }
    }

    /**
     * @param losses weighted terms of this rank
     * @param total a scalar: their sum over terms and ranks
     */
    record Gradients(Map<String, Float> losses, Tensor total) {}

    /** Forward and backward: leaves the gradients, summed over ranks, in the parameters. */
    Gradients gradients(Tape tape, List<Sample> batch) {
        ImageBatch images = Samples.batch(tape, batch, model);
        List<Target> targets = batch.stream().map(s -> new Target(s.classes(), s.boxesXyxyPx())).toList();
        List<SetCriterion.Prediction> stages = model.apply(tape, images).stream()
                .map(s -> new SetCriterion.Prediction(s.logits(), s.boxesXyxyPx())).toList();
        Map<String, Variable> terms = criterion.apply(tape, stages, targets, images.whwh(), numBoxes(tape, targets)).terms();

        // Each rank's losses are means over its share of the batch; the gradient is that of their mean.
        Tensor seed = tape.floats(new float[] {1f / group.size()});
        List<Variable> roots = new ArrayList<>(terms.values());
        Map<String, Float> values = new LinkedHashMap<>();
        terms.forEach((name, v) -> values.put(name, v.value().item()));
        Tensor total = roots.stream().map(Variable::value).reduce((a, b) -> Add.sum(tape, a, b)).orElseThrow();
        group.allReduceSum(total, 1);
        tape.backward(roots, roots.stream().map(_ -> seed).toList(), (a, b) -> Add.sum(tape, a, b), _ -> {});
        for (Parameter p : model.parameters().trainable()) {
            Tensor grad = p.variable().grad();
            if (grad == null) { // nothing led here this step; the other ranks still wait for its sum
                p.variable().zeroGradient();
                grad = p.variable().grad();
            }
            group.allReduceSum(grad, grad.elements());
        }
        return new Gradients(values, total);
    }

    /** Objects in the whole batch over the number of ranks, at least 1. */
    private Tensor numBoxes(Tape tape, List<Target> targets) {
        Tensor n = tape.floats(new float[] {targets.stream().mapToInt(Target::count).sum()}, 1);
        group.allReduceSum(n, 1);
        n.set(new float[] {Math.max(1, n.item() / group.size())});
        return n;
    }

    /** Whether any rank says so; every rank gets the same answer. */
    boolean anyRank(boolean here) {
        if (group.size() == 1) {
            return here;
        }
        try (Tape tape = Tape.inference(model.device())) {
            Tensor flag = tape.floats(new float[] {here ? 1 : 0}, 1);
            group.allReduceSum(flag, 1);
            return flag.item() > 0;
        }
    }
}
