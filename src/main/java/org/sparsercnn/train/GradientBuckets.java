package org.sparsercnn.train;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Readback;
import org.sparsercnn.op.Cast;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Sums gradients over ranks while backward still runs (Li et al., PyTorch Distributed, VLDB 2020). A bucket is a flat buffer that
 * stays. A gradient that is complete moves into its slice; when all of a bucket are there its sum begins, one bucket after the
 * other.
 *
 * <p>Buckets are filled in the order in which backward completes gradients, which the model's structure decides. It is learnt in
 * the first step, whose sums begin after backward; rank 0's order is everybody's, for all must begin the same sums. Of one rank
 * there are no buckets and no sums.
 */
final class GradientBuckets implements AutoCloseable {
    /** A bucket's gradients begin at multiples of so many elements, as aligned as tensors of their own. */
    private static final int ALIGNMENT = 32;

    private static final class Bucket {
        /** F32: what the leaves' gradients are views of. */
        final Tensor gradients;
        /** The same in the type of the reduction; {@code gradients} itself in fp32. */
        final Tensor sent;
        int missing;
        Collective.Pending sum;

        Bucket(Tensor gradients, Tensor sent) {
            this.gradients = gradients;
            this.sent = sent;
        }
    }

    private static final class Slice {
        final Bucket bucket;
        final Tensor gradient;
        final Tensor sent;
        boolean filled;

        Slice(Bucket bucket, long at, Shape shape) {
            this.bucket = bucket;
            this.gradient = bucket.gradients.narrow(0, at, shape.elements()).reshape(shape);
            this.sent = bucket.sent.narrow(0, at, shape.elements()).reshape(shape);
        }
    }

    private final Device device;
    private final List<Variable> trained;
    private final Collective group;
    private final Reduction reduction;
    private final Scope scope;
    /** As the first step completes gradients. */
    private final SequencedSet<Variable> order = new LinkedHashSet<>();
    private final List<Bucket> buckets = new ArrayList<>();
    private final Map<Variable, Slice> slices = new LinkedHashMap<>();
    /** How many buckets' sums have begun in this step. */
    private int begun;
    /** Nanoseconds of the host in beginning sums, which some groups do at once. */
    private long beginning;
    private Collective.Timed exposed = () -> 0;

    /** @param trained the leaves whose gradients are summed, in the same order on every rank */
    GradientBuckets(Device device, List<Variable> trained, Collective group, Reduction reduction) {
        this.device = device;
        this.trained = trained;
        this.group = group;
        this.reduction = reduction;
        this.scope = new Scope(device);
    }

    /** @param leaf one of those trained, whose gradient of this step is complete */
    void ready(Variable leaf) {
        if (group.size() == 1) {
            return;
        }
        if (buckets.isEmpty()) {
            order.add(leaf);
        } else {
            fill(leaf, slices.get(leaf));
            begin();
        }
    }

    /** After backward: leaves every gradient summed over ranks, of zeros where nothing led. */
    void finish() {
        if (group.size() == 1) {
            trained.stream().filter(leaf -> leaf.grad() == null).forEach(Variable::zeroGradient);
            return;
        }
        if (buckets.isEmpty()) {
            order.addAll(trained);
            build(orderOfAll());
            order.clear();
        }
        slices.forEach((leaf, slice) -> {
            if (!slice.filled) {
                fill(leaf, slice);
            }
        });
        begin();
        Collective.Timed waits = group.timed(() -> buckets.forEach(b -> b.sum.finish()));
        double begins = device.runsBehind() ? 0 : beginning * 1e-9;
        exposed = () -> begins + waits.seconds();
        if (reduction.type() != DType.F32) {
            buckets.forEach(b -> Cast.into(b.sent, b.gradients));
        }
        clear();
    }

    /** What the last step spent in sums and computed nothing; to be asked once, when its results are here. */
    Collective.Timed exposed() {
        return exposed;
    }

    private void fill(Variable leaf, Slice slice) {
        if (leaf.grad() == null) { // the other ranks still wait for its sum
            slice.sent.zero();
        } else if (reduction.type() == DType.F32) {
            slice.sent.copyFrom(leaf.grad());
        } else {
            Cast.into(leaf.grad(), slice.sent);
        }
        leaf.replaceGradient(slice.gradient);
        slice.filled = true;
        slice.bucket.missing--;
    }

    /** The sums of buckets that are full, up to the first that is not. */
    private void begin() {
        for (; begun < buckets.size() && buckets.get(begun).missing == 0; begun++) {
            Bucket b = buckets.get(begun);
            long from = System.nanoTime();
            b.sum = group.startAllReduceSum(b.sent, b.sent.elements(), reduction.type());
            beginning += System.nanoTime() - from;
        }
    }

    /** For the next step. */
    private void clear() {
        begun = 0;
        beginning = 0;
        for (Slice slice : slices.values()) {
            slice.filled = false;
            slice.bucket.missing++;
        }
    }

    private List<Variable> orderOfAll() {
        try (Scope passing = new Scope(device)) {
            Tensor numbers = passing.empty(DType.I64, Shape.of(trained.size()));
            numbers.set(order.stream().mapToLong(trained::indexOf).toArray());
            group.broadcast(numbers, numbers.bytes(), 0);
            try (Readback readback = device.read(numbers, numbers.bytes())) {
                long[] first = group.await(readback).toArray(ValueLayout.JAVA_LONG);
                List<Variable> all = new ArrayList<>();
                for (long index : first) {
                    all.add(trained.get((int) index));
                }
                return all;
            }
        }
    }

    private void build(List<Variable> leaves) {
        long limit = reduction.bucketBytes() / DType.F32.bytes();
        List<Variable> next = new ArrayList<>();
        long size = 0;
        for (Variable leaf : leaves) {
            if (!next.isEmpty() && size + leaf.value().elements() > limit) {
                add(next, size);
                next.clear();
                size = 0;
            }
            next.add(leaf);
            size += aligned(leaf);
        }
        add(next, size);
        clear();
    }

    private void add(List<Variable> leaves, long size) {
        Tensor gradients = scope.empty(Shape.of(size));
        Bucket bucket = new Bucket(gradients, reduction.type() == DType.F32 ? gradients : scope.empty(reduction.type(), Shape.of(size)));
        bucket.sent.zero(); // what lies between slices is summed too
        buckets.add(bucket);
        long at = 0;
        for (Variable leaf : leaves) {
            slices.put(leaf, new Slice(bucket, at, leaf.shape()));
            at += aligned(leaf);
        }
    }

    private static long aligned(Variable leaf) {
        return Math.ceilDiv(leaf.value().elements(), ALIGNMENT) * ALIGNMENT;
    }

    /** Frees the buckets. */
    @Override
    public void close() {
        scope.close();
    }
}
