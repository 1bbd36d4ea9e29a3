package org.sparsercnn.benchmarks;

import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.optim.AdamW;
import org.sparsercnn.optim.Clipping;
import org.sparsercnn.optim.Optimizer;

/** One update of 400 parameters with clipping by the norm over all, as of a whole model. */
public class AdamWBenchmark extends OnDevice {
    private static final int PARAMETERS = 400;

    /** Of each parameter; the model has 106 million in all. */
    @Param({"1024", "65536"})
    public long elements;

    private Optimizer optimizer;

    @Override
    void make() {
        List<org.sparsercnn.optim.Param> params = new ArrayList<>();
        for (int i = 0; i < PARAMETERS; i++) {
            Variable v = Variable.leaf(noise(elements));
            v.zeroGradient();
            params.add(new org.sparsercnn.optim.Param("p" + i, v, 1, 1e-4));
        }
        optimizer = new AdamW(device, params, Clipping.of(true, "full_model", 1, 2));
    }

    @Benchmark
    public void step() {
        optimizer.step(1e-4);
        device.synchronize();
    }
}
