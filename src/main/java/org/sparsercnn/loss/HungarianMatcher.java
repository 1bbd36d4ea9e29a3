package org.sparsercnn.loss;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.box.LinearSumAssignment;
import org.sparsercnn.config.ModelConfig;
import org.sparsercnn.op.MatchCost;
import org.sparsercnn.tensor.Tensor;

/**
 * Pairs proposals with objects at the least total cost, each at most once (paper, section 3.4; Carion et al. 2020). Where
 * there are more objects than proposals, the cheapest objects are matched.
 */
public final class HungarianMatcher {
    /**
     * Matched pairs.
     *
     * @param proposals ascending
     * @param objects as many
     */
    public record Pairs(int[] proposals, int[] objects) {
        public int count() {
            return proposals.length;
        }
    }

    private final MatchCost.Settings settings;

    public HungarianMatcher(ModelConfig.SparseRcnn config) {
        settings = new MatchCost.Settings(config.useFocal(), config.alpha(), config.gamma(), config.classWeight(), config.l1Weight(),
                config.giouWeight());
    }

    /**
     * Matches the proposals of one image.
     *
     * @param logits (P, K)
     * @param boxesXyxyPx (P, 4)
     * @param width of the image before padding, in pixels
     */
    public Pairs match(Tape tape, Tensor logits, Tensor boxesXyxyPx, Target target, double width, double height) {
        if (target.count() == 0) {
            return new Pairs(new int[0], new int[0]);
        }
        int proposals = (int) logits.size(0);
        Tensor labels = tape.ints(target.classes());
        Tensor truth = tape.floats(target.boxesXyxyPx(), target.count(), 4);
        float[] cost = MatchCost.apply(tape, logits, boxesXyxyPx, labels, truth, width, height, settings).toFloats();
        double[] wide = new double[cost.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = cost[i];
        }
        int[][] pairs = LinearSumAssignment.solve(wide, proposals, target.count());
        return new Pairs(pairs[0], pairs[1]);
    }
}
