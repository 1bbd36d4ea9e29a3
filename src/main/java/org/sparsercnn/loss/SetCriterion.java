package org.sparsercnn.loss;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.op.CrossEntropyLoss;
import org.sparsercnn.op.GiouLoss;
import org.sparsercnn.op.L1Loss;
import org.sparsercnn.op.SigmoidFocalLoss;
import org.sparsercnn.tensor.Tensor;

/**
 * The set prediction loss (paper, equation 1): classification over all proposals, L1 and GIoU over the matched ones, summed
 * over images and divided by the number of objects. With deep supervision every stage has its own matching and terms.
 */
public final class SetCriterion {
    /**
     * The predictions of one stage.
     *
     * @param logits (N, P, K)
     * @param boxesXyxyPx (N, P, 4)
     */
    public record Prediction(Variable logits, Variable boxesXyxyPx) {}

    /**
     * Weighted terms under their published names (last stage first, the others with their index), and who was matched at each
     * stage (first to last) for each image.
     */
    public record Losses(Map<String, Variable> terms, List<List<HungarianMatcher.Pairs>> matches) {}

    private final ModelConfig.SparseRcnn config;
    private final HungarianMatcher matcher;

    public SetCriterion(ModelConfig.SparseRcnn config) {
        this.config = config;
        this.matcher = new HungarianMatcher(config);
    }

    /**
     * @param stages first to last
     * @param whwh (N, 4)
     * @param numBoxes (1): objects in the batch, averaged over ranks, at least 1
     */
    public Losses apply(Tape tape, List<Prediction> stages, List<Target> targets, Tensor whwh, Tensor numBoxes) {
        Map<String, Variable> early = new LinkedHashMap<>();
        Map<String, Variable> terms = new LinkedHashMap<>();
        List<List<HungarianMatcher.Pairs>> matches = new ArrayList<>();
        float[] sizes = whwh.toFloats();
        int last = stages.size() - 1;
        for (int s = config.deepSupervision() ? 0 : last; s <= last; s++) {
            Prediction stage = stages.get(s);
            List<HungarianMatcher.Pairs> pairs = match(tape, stage, targets, sizes);
            matches.add(pairs);
            String suffix = s == last ? "" : "_" + s;
            Map<String, Variable> into = s == last ? terms : early;
            stage(tape, stage, targets, pairs, sizes, numBoxes).forEach((name, v) -> into.put(name + suffix, v));
        }
        terms.putAll(early);
        return new Losses(terms, matches);
    }

    private List<HungarianMatcher.Pairs> match(Tape tape, Prediction stage, List<Target> targets, float[] sizes) {
        List<HungarianMatcher.Pairs> pairs = new ArrayList<>();
        for (int n = 0; n < targets.size(); n++) {
            pairs.add(matcher.match(tape, image(stage.logits(), n), image(stage.boxesXyxyPx(), n), targets.get(n),
                    sizes[4 * n], sizes[4 * n + 1]));
        }
        return pairs;
    }

    /** Image {@code n} of a batch: (N, P, C) to (P, C). */
    private static Tensor image(Variable batch, int n) {
        Tensor all = batch.value();
        return all.narrow(0, n, 1).reshape(all.size(1), all.size(2));
    }

    private Map<String, Variable> stage(Tape tape, Prediction stage, List<Target> targets, List<HungarianMatcher.Pairs> pairs,
            float[] sizes, Tensor numBoxes) {
        int images = targets.size();
        int proposals = (int) stage.logits().shape().size(1);
        long rows = (long) images * proposals;
        int columns = (int) stage.logits().shape().size(2);
        int background = config.useFocal() ? columns : columns - 1;

        // Per proposal its class; per matched pair its row, its object's box, and the size of its image.
        int matched = pairs.stream().mapToInt(HungarianMatcher.Pairs::count).sum();
        int[] classes = new int[(int) rows];
        Arrays.fill(classes, background);
        int[] source = new int[matched];
        float[] wanted = new float[4 * matched];
        float[] size = new float[4 * matched];
        int m = 0;
        for (int n = 0; n < images; n++) {
            HungarianMatcher.Pairs p = pairs.get(n);
            for (int i = 0; i < p.count(); i++, m++) {
                source[m] = n * proposals + p.proposals()[i];
                classes[source[m]] = targets.get(n).classes()[p.objects()[i]];
                System.arraycopy(targets.get(n).boxesXyxyPx(), 4 * p.objects()[i], wanted, 4 * m, 4);
                System.arraycopy(sizes, 4 * n, size, 4 * m, 4);
            }
        }
        Tensor classIndex = tape.ints(classes);
        Tensor sourceIndex = tape.ints(source);
        Variable wantedBoxes = Variable.constant(tape.floats(wanted, matched, 4));
        Tensor imageSizes = tape.floats(size, matched, 4);
        Variable logits = tape.reshape(stage.logits(), rows, columns);
        Variable boxes = tape.reshape(stage.boxesXyxyPx(), rows, 4);

        Map<String, Variable> terms = new LinkedHashMap<>();
        terms.put("loss_ce", config.useFocal()
                ? SigmoidFocalLoss.apply(tape, logits, classIndex, config.alpha(), config.gamma(), numBoxes, config.classWeight())
                : CrossEntropyLoss.apply(tape, logits, classIndex, classWeights(tape, columns), config.classWeight()));
        terms.put("loss_giou", GiouLoss.apply(tape, boxes, sourceIndex, wantedBoxes, numBoxes, config.giouWeight()));
        terms.put("loss_bbox", L1Loss.apply(tape, boxes, sourceIndex, wantedBoxes, imageSizes, numBoxes, config.l1Weight()));
        return terms;
    }

    private Tensor classWeights(Tape tape, int columns) {
        float[] weights = new float[columns];
        Arrays.fill(weights, 1);
        weights[columns - 1] = (float) config.noObjectWeight();
        return tape.floats(weights, columns);
    }
}
