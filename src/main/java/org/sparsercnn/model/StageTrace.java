package org.sparsercnn.model;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.config.ModelConfig;

/**
 * What the stages did with one picture, proposal by proposal (P proposals, K classes, S stages).
 *
 * @param boxesXyxyPx S + 1 times P * 4: the learned start, then each stage's, in pixels of the network's input
 * @param scores S times P * K probabilities; the background of a softmax is left out
 * @param attention P * P: how much a proposal (row) looks at each other in the last stage, averaged over heads; rows sum to 1
 */
public record StageTrace(List<float[]> boxesXyxyPx, List<float[]> scores, float[] attention) {
    /** One pass in fp32. */
    public static StageTrace of(SparseRcnn model, ImageBatch.Picture picture) {
        try (Tape tape = Tape.inference(model.device())) {
            ImageBatch batch = ImageBatch.of(tape, List.of(picture), model.config());
            List<SparseRcnn.Stage> stages = model.apply(tape, batch);
            List<float[]> boxes = new ArrayList<>();
            List<float[]> scores = new ArrayList<>();
            boxes.add(model.learnedBoxes(tape, batch).value().toFloats());
            for (SparseRcnn.Stage stage : stages) {
                boxes.add(stage.boxesXyxyPx().value().toFloats());
                scores.add(probabilities(stage.logits().value().toFloats(), model.config().sparseRcnn()));
            }
            return new StageTrace(boxes, scores, model.lastAttention(tape, stages).value().toFloats());
        }
    }

    private static float[] probabilities(float[] logits, ModelConfig.SparseRcnn config) {
        int classes = config.numClasses();
        float[] p = new float[config.numProposals() * classes];
        int columns = logits.length / config.numProposals();
        for (int i = 0; i < p.length; i++) {
            int row = i / classes * columns;
            double logit = logits[row + i % classes];
            p[i] = (float) (config.useFocal() ? 1 / (1 + Math.exp(-logit))
                    : 1 / IntStream.range(row, row + columns).mapToDouble(k -> Math.exp(logits[k] - logit)).sum());
        }
        return p;
    }

    public int stages() {
        return scores.size();
    }

    public int proposals() {
        return boxesXyxyPx.getFirst().length / 4;
    }

    private int classes() {
        return scores.getFirst().length / proposals();
    }

    /** The class to which the last stage gives this proposal its best score. */
    public int bestClass(int proposal) {
        int best = 0;
        for (int k = 1; k < classes(); k++) {
            if (score(stages() - 1, proposal, k) > score(stages() - 1, proposal, best)) {
                best = k;
            }
        }
        return best;
    }

    /** @param stage from 0, the first refinement */
    public float score(int stage, int proposal, int label) {
        return scores.get(stage)[proposal * classes() + label];
    }

    /** The last stage's best score of this proposal. */
    public float finalScore(int proposal) {
        return score(stages() - 1, proposal, bestClass(proposal));
    }

    /** Those of the proposals with the best final scores that reach {@code threshold}, best first, {@code most} at most; one at least. */
    public int[] best(int most, double threshold) {
        int[] order = IntStream.range(0, proposals()).boxed().sorted(Comparator.comparingDouble(p -> -finalScore(p)))
                .mapToInt(Integer::intValue).toArray();
        long enough = IntStream.of(order).filter(p -> finalScore(p) >= threshold).count();
        return IntStream.of(order).limit(Math.clamp(enough, 1, most)).toArray();
    }

    /** The same with boxes in pixels of an image of another size; they are not clipped. */
    public StageTrace scaled(int fromWidth, int fromHeight, int toWidth, int toHeight) {
        float sx = (float) ((double) toWidth / fromWidth);
        float sy = (float) ((double) toHeight / fromHeight);
        return new StageTrace(boxesXyxyPx.stream().map(b -> {
            float[] scaled = new float[b.length];
            for (int i = 0; i < b.length; i++) {
                scaled[i] = b[i] * (i % 2 == 0 ? sx : sy);
            }
            return scaled;
        }).toList(), scores, attention);
    }
}
