package org.sparsercnn.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.op.LayerNorm;

/**
 * LayerNorm with ReLU as the heads use it, rows x channels: 100 proposals; their bins inside the dynamic convolution (49 each)
 * with 64 and with 256 channels.
 */
public class LayerNormBenchmark extends OnDevice {
    @Param({"100x256", "4900x64", "4900x256"})
    public String shape;

    private Variable x;
    private Variable gamma;
    private Variable beta;

    @Override
    void make() {
        long rows = Long.parseLong(shape.split("x")[0]);
        long channels = Long.parseLong(shape.split("x")[1]);
        x = Variable.leaf(noise(rows, channels));
        gamma = Variable.leaf(noise(channels));
        beta = Variable.leaf(noise(channels));
    }

    private Variable norm(Tape tape) {
        return LayerNorm.apply(tape, x, gamma, beta, 1e-5, true);
    }

    @Benchmark
    public void forward() {
        forward(this::norm);
    }

    @Benchmark
    public void forwardAndBackward() {
        forwardAndBackward(this::norm, x, gamma, beta);
    }
}
