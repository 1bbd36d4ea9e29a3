package org.sparsercnn.loss;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.op.Assignment;
import org.sparsercnn.op.MatchCost;
import org.sparsercnn.tensor.Tensor;

/**
 * Pairs proposals with objects at the least total cost, each at most once (paper, section 3.4; Carion et al. 2020). Where
 * there are more objects than proposals, the cheapest objects are matched. All of it happens on the device.
 */
public final class HungarianMatcher {
    /**
     * Matched pairs of one image.
     *
     * @param proposals ascending
     * @param objects as many
     */
    public record Pairs(int[] proposals, int[] objects) {
        public int count() {
            return proposals.length;
        }
    }

    private HungarianMatcher() {}

    /** I32 (S, N, P): the index in the batch of each proposal's object, -1 for none. */
    public static Tensor match(Tape tape, MatchCost.Problem problem, MatchCost.Settings settings) {
        return Assignment.apply(tape, MatchCost.apply(tape, problem, settings), problem);
    }

    /** The pairs of each stage and image, read back: waits for the device. */
    public static List<List<Pairs>> pairs(Tensor match, MatchCost.Problem problem) {
        int[] objects = match.toInts();
        int proposals = Math.toIntExact(problem.proposals());
        List<List<Pairs>> stages = new ArrayList<>();
        for (int s = 0, at = 0; s < problem.stages(); s++) {
            List<Pairs> images = new ArrayList<>();
            for (int n = 0, first = 0; n < problem.images(); first += problem.objects(n++), at += proposals) {
                images.add(pairs(objects, at, proposals, first));
            }
            stages.add(images);
        }
        return stages;
    }

    private static Pairs pairs(int[] objects, int from, int proposals, int first) {
        List<int[]> pairs = new ArrayList<>();
        for (int p = 0; p < proposals; p++) {
            if (objects[from + p] >= 0) {
                pairs.add(new int[] {p, objects[from + p] - first});
            }
        }
        return new Pairs(pairs.stream().mapToInt(p -> p[0]).toArray(), pairs.stream().mapToInt(p -> p[1]).toArray());
    }
}
