package org.sparsercnn.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.op.SigmoidFocalLoss;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** Sigmoid focal loss of one stage: two images, 80 classes, seven proposals of each image on an object. */
public class FocalLossBenchmark extends OnDevice {
    private static final int CLASSES = 80;

    @Param({"100", "300"})
    public int proposals;

    private Variable logits;
    private Tensor classes;

    @Override
    void make() {
        logits = Variable.leaf(noise(2L * proposals, CLASSES));
        int[] values = new int[2 * proposals];
        for (int i = 0; i < values.length; i++) {
            values[i] = i % proposals < 7 ? random.nextInt(CLASSES) : CLASSES;
        }
        classes = Tensor.allocate(device, DType.I32, Shape.of(values.length));
        classes.set(values);
    }

    private Variable loss(Tape tape) {
        return SigmoidFocalLoss.apply(tape, logits, classes, 0.25, 2, null, 2);
    }

    @Benchmark
    public void forward() {
        forward(this::loss);
    }

    @Benchmark
    public void forwardAndBackward() {
        forwardAndBackward(this::loss, logits);
    }
}
