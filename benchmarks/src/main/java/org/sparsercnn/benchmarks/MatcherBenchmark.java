package org.sparsercnn.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.loss.HungarianMatcher;

/** Matching of a whole training step: costs and assignment. */
public class MatcherBenchmark extends OnPredictions {
    @Benchmark
    public void match() {
        try (Tape tape = Tape.inference(device)) {
            HungarianMatcher.match(tape, problem(tape), SETTINGS);
            device.synchronize();
        }
    }
}
