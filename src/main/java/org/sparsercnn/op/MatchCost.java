package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/**
 * The cost of matching each prediction of an image with each of its ground truths, as the published HungarianMatcher adds it
 * up: {@code boxWeight * L1 of boxes / image size + classWeight * class - giouWeight * GIoU}. No gradient flows through it.
 *
 * <p>The class cost is {@code alpha (1-p)^gamma (-ln(p + 1e-8)) - (1-alpha) p^gamma (-ln(1-p + 1e-8))} of the sigmoid, or minus
 * the softmax probability. A cost that is not finite becomes {@link #UNMATCHABLE}, so that an assignment always exists and
 * takes such a pair last.
 */
public final class MatchCost {
    /** Far above any sensible cost, and small enough that the assignment's sums in float64 stay exact to 1e-6. */
    public static final double UNMATCHABLE = 1e8;

    private static final Kernel FWD = Kernel.of("match_cost_fwd_f32", "logits boxes labels truth y pairs classes focal alpha gamma"
            + " class_weight box_weight giou_weight width height unmatchable");

    /** @param focal sigmoid with focal cost (alpha and gamma count), otherwise softmax */
    public record Settings(boolean focal, double alpha, double gamma, double classWeight, double boxWeight, double giouWeight) {}

    private MatchCost() {}

    /**
     * @param logits (P, K)
     * @param boxesXyxyPx (P, 4)
     * @param labels I32 (M), in [0, K); others are unmatchable
     * @param truthXyxyPx (M, 4)
     * @param width of the image in pixels
     * @return (P, M), M may be 0
     */
    public static Tensor apply(Tape tape, Tensor logits, Tensor boxesXyxyPx, Tensor labels, Tensor truthXyxyPx, double width,
            double height, Settings s) {
        long predictions = logits.size(0);
        long pairs = labels.elements();
        Tensor y = tape.empty(predictions, pairs);
        if (pairs > 0) {
            tape.device().kernel(FWD).ptr(logits).ptr(boxesXyxyPx).ptr(labels).ptr(truthXyxyPx).ptr(y).i64(pairs).i64(logits.size(1))
                    .flag(s.focal).f64(s.alpha).f64(s.gamma).f64(s.classWeight).f64(s.boxWeight).f64(s.giouWeight)
                    .f64(width).f64(height).f64(UNMATCHABLE).overRows(predictions);
        }
        return y;
    }
}
