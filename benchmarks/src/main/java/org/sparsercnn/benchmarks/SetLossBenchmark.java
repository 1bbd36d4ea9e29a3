package org.sparsercnn.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.loss.HungarianMatcher;
import org.sparsercnn.op.MatchCost;
import org.sparsercnn.op.SetLoss;
import org.sparsercnn.tensor.Tensor;

/** Losses of a whole training step and their gradients, after matching. */
public class SetLossBenchmark extends OnPredictions {
    private Tensor match;
    private Tensor objectsInAll;

    @Override
    void make() {
        super.make();
        try (Tape tape = Tape.inference(device)) {
            match = HungarianMatcher.match(tape, problem(tape), SETTINGS).retain();
        }
        objectsInAll = empty(1);
        objectsInAll.set(new float[] {IMAGES * objects});
    }

    @Benchmark
    public void loss() {
        try (Tape tape = Tape.inference(device)) {
            MatchCost.Problem problem = problem(tape);
            SetLoss.apply(tape, problem, match, SETTINGS, 0.1, new SetLoss.Divisors(objectsInAll, 1, 0));
            device.synchronize();
        }
    }
}
