package org.sparsercnn.benchmarks;

import java.nio.file.Path;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.infra.Blackhole;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.config.Config;
import org.sparsercnn.loss.HungarianMatcher;
import org.sparsercnn.loss.Target;
import org.sparsercnn.tensor.Tensor;

/** Matching of a whole training step: six stages of two images, 80 classes; costs, assignment, and the copy between them. */
public class MatcherBenchmark extends OnDevice {
    private static final int STAGES = 6;
    private static final int IMAGES = 2;
    private static final int CLASSES = 80;
    private static final int WIDTH = 1344;
    private static final int HEIGHT = 800;

    @Param({"100", "300"})
    public int proposals;

    @Param({"7", "50"})
    public int objects;

    private final HungarianMatcher matcher = new HungarianMatcher(
            Config.load(Path.of("configs/sparsercnn.res50.100pro.3x.yaml"), List.of()).model().sparseRcnn());
    private final Tensor[] logits = new Tensor[STAGES * IMAGES];
    private final Tensor[] boxesXyxyPx = new Tensor[STAGES * IMAGES];
    private final Target[] targets = new Target[IMAGES];

    @Override
    void make() {
        for (int i = 0; i < logits.length; i++) {
            logits[i] = noise(proposals, CLASSES);
            boxesXyxyPx[i] = boxesXyxyPx(1, proposals, WIDTH, HEIGHT).reshape(proposals, 4);
        }
        for (int i = 0; i < IMAGES; i++) {
            targets[i] = new Target(random.ints(objects, 0, CLASSES).toArray(), boxesXyxyPx(1, objects, WIDTH, HEIGHT).toFloats());
        }
    }

    @Benchmark
    public void match(Blackhole result) {
        try (Tape tape = Tape.inference(device)) {
            for (int i = 0; i < logits.length; i++) {
                result.consume(matcher.match(tape, logits[i], boxesXyxyPx[i], targets[i % IMAGES], WIDTH, HEIGHT));
            }
        }
    }
}
