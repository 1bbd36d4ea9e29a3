package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * The set prediction loss of all stages and images, and its gradient, in one pass over the predictions: classification over all
 * proposals, GIoU and L1 loss (boxes over image size) over the matched ones.
 *
 * <p>Classification is sigmoid focal loss (Lin et al., ICCV 2017; fvcore's {@code sigmoid_focal_loss}) over the number of objects:
 * {@code sum alpha_t (1 - p_t)^gamma (-ln p_t)}; or softmax cross-entropy, the last class being the background, as a mean
 * weighted by class (PyTorch's {@code F.cross_entropy}). Degenerate boxes have the defined GIoU of {@link PairwiseGiou}, where
 * the published code asserts.
 */
public final class SetLoss {
    private static final Kernel FWD = Kernel.of("set_loss_fwd_f32", "stages match labels truth sizes all_objects each dlogits dboxes images"
            + " proposals classes focal alpha gamma no_object class_divisor class_weight box_weight giou_weight ranks");
    private static final Kernel SUM =
            Kernel.of("set_loss_sum_f32", "each all_objects terms stages rows class_divisor class_weight box_weight giou_weight ranks");

    /**
     * @param terms F32 (3 S + 1): class, GIoU and L1 loss of each stage, weighted, and last the sum of all
     * @param dlogits (S, N, P, K): gradient of the sum over ranks
     * @param dboxes (S, N, P, 4)
     */
    public record Result(Tensor terms, Tensor dlogits, Tensor dboxes) {}

    /**
     * What sums over a batch are divided by. A batch that is worked off in parts has one for all of them.
     *
     * @param objects F32 (1): objects in the batches of all ranks; the losses are divided by this over {@code ranks}, at least 1
     * @param ranks how many replicas share the batch: the loss is the mean of theirs
     * @param classWeights of all proposals of this rank's batch together: what cross-entropy is divided by
     */
    public record Divisors(Tensor objects, int ranks, double classWeights) {
        /**
         * @param objectsOfImages how many objects each image of this rank's batch has: all are matched, or all proposals
         * @param noObjectWeight of the background in the cross-entropy; the other classes have 1
         */
        public static Divisors of(Tensor objects, int ranks, int[] objectsOfImages, long proposals, double noObjectWeight) {
            long matched = 0;
            for (int n : objectsOfImages) {
                matched += Math.min(proposals, n);
            }
            return new Divisors(objects, ranks, matched + (objectsOfImages.length * proposals - matched) * noObjectWeight);
        }
    }

    private SetLoss() {}

    /**
     * @param match I32 (S, N, P) of {@link Assignment}: all objects of an image are matched, or all its proposals
     * @param s its weights of the costs weigh the losses too; alpha below 0: decisions are not weighted
     * @param noObjectWeight of the background in the cross-entropy; the other classes have 1
     */
    public static Result apply(Tape tape, MatchCost.Problem p, Tensor match, MatchCost.Settings s, double noObjectWeight, Divisors divisors) {
        Tensor objects = divisors.objects;
        int ranks = divisors.ranks;
        long rows = p.images() * p.proposals();
        Tensor each = tape.empty(p.stages(), 3, rows);
        Tensor dlogits = tape.empty(p.stages(), p.images(), p.proposals(), p.classes());
        Tensor dboxes = tape.empty(p.stages(), p.images(), p.proposals(), 4);
        Tensor terms = tape.empty(Shape.of(3L * p.stages() + 1));
        double classDivisor = s.focal() ? 0 : divisors.classWeights;
        tape.device().kernel(FWD).ptr(p.table()).ptr(match).ptr(p.labels()).ptr(p.truth()).ptr(p.sizes()).ptr(objects).ptr(each)
                .ptr(dlogits).ptr(dboxes).i64(p.images()).i64(p.proposals()).i64(p.classes()).flag(s.focal()).f64(s.alpha()).f64(s.gamma())
                .f64(noObjectWeight).f64(classDivisor).f64(s.classWeight()).f64(s.boxWeight()).f64(s.giouWeight()).f64(ranks)
                .overRows(p.stages() * rows);
        tape.device().kernel(SUM).ptr(each).ptr(objects).ptr(terms).i64(p.stages()).i64(rows).f64(classDivisor).f64(s.classWeight())
                .f64(s.boxWeight()).f64(s.giouWeight()).f64(ranks).overRows(1);
        return new Result(terms, dlogits, dboxes);
    }
}
