package org.sparsercnn.benchmarks;

import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Param;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.op.MatchCost;
import org.sparsercnn.tensor.Tensor;

/** Predictions and objects of a training step: six stages of two images, 80 classes. */
public abstract class OnPredictions extends OnDevice {
    static final MatchCost.Settings SETTINGS = new MatchCost.Settings(true, 0.25, 2, 2, 5, 2);
    static final int IMAGES = 2;
    private static final int STAGES = 6;
    private static final int CLASSES = 80;
    private static final int WIDTH = 1344;
    private static final int HEIGHT = 800;

    @Param({"100", "300"})
    public int proposals;

    @Param({"7", "50"})
    public int objects;

    private final List<Tensor> logits = new ArrayList<>();
    private final List<Tensor> boxesXyxyPx = new ArrayList<>();
    private final int[][] labels = new int[IMAGES][];
    private final float[][] truth = new float[IMAGES][];
    private Tensor whwh;

    @Override
    void make() {
        for (int s = 0; s < STAGES; s++) {
            logits.add(noise(IMAGES, proposals, CLASSES));
            boxesXyxyPx.add(boxesXyxyPx(IMAGES, proposals, WIDTH, HEIGHT));
        }
        whwh = empty(IMAGES, 4);
        whwh.set(new float[] {WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT});
        for (int n = 0; n < IMAGES; n++) {
            labels[n] = random.ints(objects, 0, CLASSES).toArray();
            truth[n] = boxesXyxyPx(1, objects, WIDTH, HEIGHT).toFloats();
        }
    }

    /** On the device as in every step: its copy is part of what is measured. */
    MatchCost.Problem problem(Tape tape) {
        return new MatchCost.Problem(tape, logits, boxesXyxyPx, whwh, labels, truth);
    }
}
