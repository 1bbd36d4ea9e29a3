package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * The linear sum assignment of proposals to objects, for every stage and image at once: each object gets its own proposal (or
 * each proposal its own object, whichever are fewer) so that the sum of the costs is least.
 *
 * <p>Shortest augmenting paths after D. F. Crouse, "On implementing 2D rectangular assignment algorithms", IEEE Transactions
 * on Aerospace and Electronic Systems 52(4), 2016. The order of every scan and every tie is that of SciPy's
 * {@code linear_sum_assignment}, so equal costs give SciPy's pairs, not merely a sum as small. O(min² · max) time, shared by the
 * threads of a block.
 */
public final class Assignment {
    private static final Kernel FWD = Kernel.of("assignment_fwd_f32", "cost offsets match work images proposals objects");

    private Assignment() {}

    /**
     * @param cost (S, objects, P) as {@link MatchCost} gives it; finite
     * @return I32 (S, N, P): the index in the batch of each proposal's object, -1 for none
     */
    public static Tensor apply(Tape tape, Tensor cost, MatchCost.Problem p) {
        long blocks = (long) p.stages() * p.images();
        Tensor match = tape.empty(DType.I32, Shape.of(p.stages(), p.images(), p.proposals()));
        Tensor work = tape.empty(DType.I64, Shape.of(p.stages(), p.images() * p.proposals() + p.objects(), 4));
        tape.device().kernel(FWD).ptr(cost).ptr(p.offsets()).ptr(match).ptr(work).i64(p.images()).i64(p.proposals()).i64(p.objects())
                .overRows(blocks);
        return match;
    }
}
