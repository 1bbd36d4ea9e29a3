package org.sparsercnn.loss;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.op.Add;
import org.sparsercnn.op.Cast;
import org.sparsercnn.op.MatchCost;
import org.sparsercnn.op.Permute;
import org.sparsercnn.op.SetLoss;
import org.sparsercnn.tensor.Tensor;

/**
 * The set prediction loss (paper, equation 1): classification over all proposals, L1 and GIoU over the matched ones, summed
 * over images and divided by the number of objects. With deep supervision every stage has its own matching and terms. Nothing
 * here waits for the device.
 */
public final class SetCriterion {
    /**
     * The predictions of one stage.
     *
     * @param logits (N, P, K)
     * @param boxesXyxyPx (N, P, 4)
     */
    public record Prediction(Variable logits, Variable boxesXyxyPx) {}

    /** The losses of a batch, and their gradients, on the device. Alive as long as the tape's scope. */
    public static final class Losses {
        private final MatchCost.Problem problem;
        private final Tensor match;
        private final Tensor terms;
        private final List<Variable> predictions;
        private final List<Tensor> gradients;

        private Losses(MatchCost.Problem problem, Tensor match, SetLoss.Result loss, List<Variable> predictions) {
            this.problem = problem;
            this.match = match;
            this.terms = loss.terms();
            this.predictions = predictions;
            this.gradients = new ArrayList<>(predictions.size());
            for (int i = 0; i < predictions.size(); i++) {
                Tensor all = i % 2 == 0 ? loss.dlogits() : loss.dboxes();
                gradients.add(all.narrow(0, i / 2, 1).reshape(predictions.get(i).shape()));
            }
        }

        /** F32: the weighted terms in the order of {@link SetCriterion#names}, then their sum. */
        public Tensor terms() {
            return terms;
        }

        /** Backward from the mean of the ranks' losses: leaves their gradients in the leaves. */
        public void backward(Tape tape) {
            backward(tape, _ -> {});
        }

        /** @param ready called for each leaf when its gradient is complete */
        public void backward(Tape tape, Consumer<Variable> ready) {
            tape.backward(predictions, gradients, (a, b) -> Add.sum(tape, a, b), ready);
        }

        /** Who was matched at each stage (first to last) for each image; waits for the device. */
        public List<List<HungarianMatcher.Pairs>> matches() {
            List<List<HungarianMatcher.Pairs>> stages = new ArrayList<>(HungarianMatcher.pairs(match, problem));
            stages.add(stages.removeFirst());
            return stages;
        }
    }

    private final ModelConfig.SparseRcnn config;
    private final MatchCost.Settings settings;
    private final List<String> names;

    public SetCriterion(ModelConfig.SparseRcnn config) {
        this.config = config;
        this.settings = new MatchCost.Settings(config.useFocal(), config.alpha(), config.gamma(), config.classWeight(), config.l1Weight(),
                config.giouWeight());
        this.names = names(config.deepSupervision() ? config.numHeads() : 1);
    }

    private static List<String> names(int stages) {
        List<String> names = new ArrayList<>();
        for (int s = 0; s < stages; s++) {
            for (String term : List.of("loss_ce", "loss_giou", "loss_bbox")) {
                names.add(s == 0 ? term : term + "_" + (s - 1));
            }
        }
        return List.copyOf(names);
    }

    /** The terms under their published names: the last stage's, then those of the others with their index. */
    public List<String> names() {
        return names;
    }

    /**
     * What the losses of a batch are divided by.
     *
     * @param batch of this rank
     * @param objects F32 (1): objects in the batches of all ranks; the losses are divided by its mean over ranks, at least 1
     * @param ranks replicas that share the batch
     */
    public SetLoss.Divisors divisors(List<Target> batch, Tensor objects, int ranks) {
        int[] objectsOfImages = batch.stream().mapToInt(t -> t.classes().length).toArray();
        return SetLoss.Divisors.of(objects, ranks, objectsOfImages, config.numProposals(), config.noObjectWeight());
    }

    /**
     * @param stages first to last
     * @param targets of the images that were predicted: the batch, or a part of it
     * @param whwh (N, 4)
     * @param divisors of the whole batch
     */
    public Losses apply(Tape tape, List<Prediction> stages, List<Target> targets, Tensor whwh, SetLoss.Divisors divisors) {
        List<Variable> predictions = new ArrayList<>();
        List<Tensor> logits = new ArrayList<>();
        List<Tensor> boxes = new ArrayList<>();
        int last = stages.size() - 1;
        for (int s = 0; s < names.size() / 3; s++) {
            Prediction stage = stages.get(s == 0 ? last : s - 1); // in the order of the names
            Variable x = Permute.dense(tape, Cast.toF32(tape, stage.logits()));
            Variable b = Permute.dense(tape, Cast.toF32(tape, stage.boxesXyxyPx()));
            predictions.add(x);
            predictions.add(b);
            logits.add(x.value());
            boxes.add(b.value());
        }
        int[][] labels = new int[targets.size()][];
        float[][] truth = new float[targets.size()][];
        for (int n = 0; n < labels.length; n++) {
            labels[n] = targets.get(n).classes();
            truth[n] = targets.get(n).boxesXyxyPx();
        }
        MatchCost.Problem problem = new MatchCost.Problem(tape, logits, boxes, whwh, labels, truth);
        Tensor match = HungarianMatcher.match(tape, problem, settings);
        SetLoss.Result loss = SetLoss.apply(tape, problem, match, settings, config.noObjectWeight(), divisors);
        return new Losses(problem, match, loss, predictions);
    }
}
