package org.sparsercnn.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.op.DynamicConv;

/**
 * The two dynamic convolutions of one stage of one image: 49 bins, 256 channels to 64 and back, with weights of its own for
 * every proposal.
 */
public class DynamicConvBenchmark extends OnDevice {
    private static final int CHANNELS = 256;
    private static final int INNER = 64;

    @Param({"100", "300"})
    public int proposals;

    private Variable rois;
    private Variable weights;

    @Override
    void make() {
        rois = Variable.leaf(noise(proposals, 49, CHANNELS));
        weights = Variable.leaf(noise(proposals, 2 * CHANNELS * INNER));
    }

    private Variable interact(Tape tape) {
        Variable x = DynamicConv.apply(tape, rois, weights, 0, INNER);
        return DynamicConv.apply(tape, x, weights, CHANNELS * INNER, CHANNELS);
    }

    @Benchmark
    public void forward() {
        forward(this::interact);
    }

    @Benchmark
    public void forwardAndBackward() {
        forwardAndBackward(this::interact, rois, weights);
    }
}
