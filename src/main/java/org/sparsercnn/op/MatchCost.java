package org.sparsercnn.op;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.device.Pointer;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * The cost of matching each prediction with each ground truth of its image, as the published HungarianMatcher adds it
 * up: {@code boxWeight * L1 of boxes / image size + classWeight * class - giouWeight * GIoU}. No gradient flows through it.
 *
 * <p>The class cost is {@code alpha (1-p)^gamma (-ln(p + 1e-8)) - (1-alpha) p^gamma (-ln(1-p + 1e-8))} of the sigmoid, or minus
 * the softmax probability. A cost that is not finite becomes {@link #UNMATCHABLE}, so that an assignment always exists and
 * takes such a pair last.
 */
public final class MatchCost {
    /** Far above any sensible cost, and small enough that the assignment's sums in float64 stay exact to 1e-6. */
    public static final double UNMATCHABLE = 1e8;

    private static final Kernel FWD = Kernel.of("match_cost_fwd_f32", "stages offsets labels truth sizes y images proposals objects"
            + " classes focal alpha gamma class_weight box_weight giou_weight unmatchable");

    /** @param focal sigmoid with focal cost (alpha and gamma count), otherwise softmax */
    public record Settings(boolean focal, double alpha, double gamma, double classWeight, double boxWeight, double giouWeight) {}

    /**
     * What some stages predicted for a batch, and the batch's objects, where kernels find both. The objects, and where the
     * predictions lie, come to the device in one copy.
     */
    public static final class Problem {
        private final List<Tensor> logits;
        private final List<Tensor> boxesXyxyPx;
        private final Tensor whwh;
        private final int[] counts;
        private final int objects;
        private final Tensor packed;

        /**
         * @param logits of each stage, fp32 (N, P, K), dense
         * @param boxesXyxyPx of each stage, (N, P, 4), dense
         * @param whwh (N, 4): width, height, width, height of each image in pixels
         * @param labels of the objects of each image, in [0, K); others are unmatchable
         * @param truthXyxyPx (M, 4) of each image
         */
        public Problem(Tape tape, List<Tensor> logits, List<Tensor> boxesXyxyPx, Tensor whwh, int[][] labels, float[][] truthXyxyPx) {
            this.logits = logits;
            this.boxesXyxyPx = boxesXyxyPx;
            this.whwh = whwh;
            check(labels, truthXyxyPx);
            counts = new int[labels.length];
            int all = 0;
            for (int n = 0; n < counts.length; n++) {
                counts[n] = labels[n].length;
                all += counts[n];
            }
            objects = all;
            long[] words = new long[Math.toIntExact(stages() * 2 + Math.ceilDiv(images() + 1 + 5L * objects, 2))];
            packed = tape.empty(DType.I64, Shape.of(words.length));
            pack(MemorySegment.ofArray(words), labels, truthXyxyPx);
            packed.set(words);
        }

        private void check(int[][] labels, float[][] truth) {
            for (int s = 0; s < logits.size(); s++) {
                Tensor x = logits.get(s);
                Tensor b = boxesXyxyPx.get(s);
                boolean fits = x.dtype() == DType.F32 && x.isDense() && b.isDense() && x.shape().rank() == 3 && x.size(0) == labels.length
                        && x.shape().equals(logits.getFirst().shape()) && b.shape().equals(x.shape().withLast(4));
                if (!fits) {
                    throw new IllegalArgumentException("matching " + labels.length + " images: logits " + x + ", boxes " + b);
                }
            }
            for (int n = 0; n < labels.length; n++) {
                if (truth[n].length != 4 * labels[n].length) {
                    throw new IllegalArgumentException(labels[n].length + " labels for " + truth[n].length / 4 + " boxes");
                }
            }
        }

        /** Addresses of a stage's logits and boxes, stage by stage; offsets; labels; boxes. */
        private void pack(MemorySegment words, int[][] labels, float[][] truth) {
            for (int s = 0; s < stages(); s++) {
                words.setAtIndex(ValueLayout.JAVA_LONG, 2L * s, logits.get(s).address());
                words.setAtIndex(ValueLayout.JAVA_LONG, 2L * s + 1, boxesXyxyPx.get(s).address());
            }
            MemorySegment rest = words.asSlice(offsetsAt());
            int offset = 0;
            for (int n = 0; n < counts.length; n++) {
                rest.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, n + 1, offset + counts[n]);
                MemorySegment.copy(labels[n], 0, rest, ValueLayout.JAVA_INT_UNALIGNED, 4L * (counts.length + 1 + offset), counts[n]);
                MemorySegment.copy(truth[n], 0, rest, ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * (counts.length + 1 + objects + 4L * offset), 4 * counts[n]);
                offset += counts[n];
            }
        }

        public int stages() {
            return logits.size();
        }

        public int images() {
            return counts.length;
        }

        public long proposals() {
            return logits.getFirst().size(1);
        }

        public long classes() {
            return logits.getFirst().size(2);
        }

        /** Of all images. */
        public int objects() {
            return objects;
        }

        /** Of one image. */
        public int objects(int image) {
            return counts[image];
        }

        Tensor sizes() {
            return whwh;
        }

        // Parts of the packed words; see pack().

        Pointer table() {
            return packed;
        }

        /** I32 (N + 1): where each image's objects begin. */
        Pointer offsets() {
            return at(offsetsAt());
        }

        /** I32 (objects) */
        Pointer labels() {
            return at(offsetsAt() + 4L * (images() + 1));
        }

        /** F32 (objects, 4) */
        Pointer truth() {
            return at(offsetsAt() + 4L * (images() + 1 + objects));
        }

        private long offsetsAt() {
            return 16L * stages();
        }

        private Pointer at(long bytes) {
            long address = packed.address() + bytes;
            return () -> address;
        }
    }

    private MatchCost() {}

    /** F32 (stages, objects of all images, P): a cost where object and prediction are of one image. */
    public static Tensor apply(Tape tape, Problem p, Settings s) {
        Tensor y = tape.empty(p.stages(), p.objects(), p.proposals());
        if (p.objects() > 0) {
            tape.device().kernel(FWD).ptr(p.table()).ptr(p.offsets()).ptr(p.labels()).ptr(p.truth()).ptr(p.sizes()).ptr(y).i64(p.images())
                    .i64(p.proposals()).i64(p.objects()).i64(p.classes()).flag(s.focal).f64(s.alpha).f64(s.gamma).f64(s.classWeight)
                    .f64(s.boxWeight).f64(s.giouWeight).f64(UNMATCHABLE).overRows(p.stages() * p.images() * p.proposals());
        }
        return y;
    }
}
