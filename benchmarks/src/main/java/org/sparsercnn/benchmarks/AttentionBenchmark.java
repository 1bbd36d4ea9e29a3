package org.sparsercnn.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.op.Attention;

/** Self-attention of the proposals of one image: 256 channels, 8 heads, projections included. */
public class AttentionBenchmark extends OnDevice {
    private static final int CHANNELS = 256;

    @Param({"100", "300"})
    public int proposals;

    private Variable x;
    private Variable inWeight;
    private Variable inBias;
    private Variable outWeight;
    private Variable outBias;

    @Override
    void make() {
        x = Variable.leaf(noise(1, proposals, CHANNELS));
        inWeight = Variable.leaf(noise(3 * CHANNELS, CHANNELS));
        inBias = Variable.leaf(noise(3 * CHANNELS));
        outWeight = Variable.leaf(noise(CHANNELS, CHANNELS));
        outBias = Variable.leaf(noise(CHANNELS));
    }

    private Variable attend(Tape tape) {
        return Attention.apply(tape, x, inWeight, inBias, outWeight, outBias, 8, 0);
    }

    @Benchmark
    public void forward() {
        forward(this::attend);
    }

    @Benchmark
    public void forwardAndBackward() {
        forwardAndBackward(this::attend, x, inWeight, inBias, outWeight, outBias);
    }
}
