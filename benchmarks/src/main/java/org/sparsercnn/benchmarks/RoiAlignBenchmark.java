package org.sparsercnn.benchmarks;

import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.op.RoiAlign;
import org.sparsercnn.tensor.Tensor;

/**
 * Pooling 7x7x256 features for the boxes of one stage from p2 to p5 of one 480x640 image, two samples a side in each bin.
 */
public class RoiAlignBenchmark extends OnDevice {
    private static final List<Integer> STRIDES = List.of(4, 8, 16, 32);

    @Param({"100", "300"})
    public int proposals;

    private final RoiAlign.Settings settings = new RoiAlign.Settings(7, 2, true, STRIDES);
    private List<Variable> levels;
    private Tensor boxesXyxyPx;

    @Override
    void make() {
        levels = STRIDES.stream().map(s -> Variable.leaf(noise(1, 480 / s, 640 / s, 256))).toList();
        boxesXyxyPx = boxesXyxyPx(1, proposals, 640, 480);
    }

    private Variable pool(Tape tape) {
        return RoiAlign.apply(tape, levels, boxesXyxyPx, settings);
    }

    @Benchmark
    public void forward() {
        forward(this::pool);
    }

    @Benchmark
    public void forwardAndBackward() {
        forwardAndBackward(this::pool, levels.toArray(Variable[]::new));
    }
}
