package org.sparsercnn.loss;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.op.MatchCost;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;

/** From logits and boxes to pairs, beside the published matcher. */
class HungarianMatcherGoldenTest {
    private static final Config CONFIG = Config.load(Path.of("configs/sparsercnn.res50.100pro.3x.yaml"), List.of());

    @TestFactory
    Stream<DynamicTest> recorded_cases() {
        Golden golden = Golden.load("matcher");
        return StreamSupport.stream(golden.json().get("cases").spliterator(), false)
                .map(c -> DynamicTest.dynamicTest(c.get("case").asText(), () -> check(golden, c)));
    }

    private static void check(Golden golden, JsonNode c) {
        String name = c.get("case").asText();
        var config = CONFIG.with("MODEL.SparseRCNN.USE_FOCAL", c.get("use_focal").asBoolean() ? "True" : "False").model().sparseRcnn();
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Array logits = golden.array(name + "/pred_logits");
            Array boxes = golden.array(name + "/pred_boxes");
            int proposals = logits.size(1);
            Tensor allLogits = tape.empty(logits.shape());
            allLogits.set(logits.floats());
            Tensor allBoxes = tape.empty(boxes.shape());
            allBoxes.set(boxes.floats());
            for (int b = 0; b < logits.size(0); b++) {
                int objects = c.get("M").get(b).asInt();
                double[] labels = objects == 0 ? new double[0] : golden.array(name + "/b" + b + ".gt_labels").values();
                float[] truth = objects == 0 ? new float[0] : golden.array(name + "/b" + b + ".gt_boxes").floats();
                Target target = new Target(Arrays.stream(labels).mapToInt(v -> (int) v).toArray(), truth);
                double width = c.get("image_wh").get(b).get(0).asDouble();
                double height = c.get("image_wh").get(b).get(1).asDouble();
                MatchCost.Problem problem = problem(tape, allLogits.narrow(0, b, 1), allBoxes.narrow(0, b, 1), target, width, height);
                HungarianMatcher.Pairs pairs = match(tape, problem, config.useFocal());
                if (objects == 0) {
                    assertThat(pairs.count()).isZero();
                    continue;
                }
                int[] src = Arrays.stream(golden.array(name + "/b" + b + ".src").values()).mapToInt(v -> (int) v).toArray();
                int[] tgt = Arrays.stream(golden.array(name + "/b" + b + ".tgt").values()).mapToInt(v -> (int) v).toArray();
                if (!Arrays.equals(pairs.proposals(), src) || !Arrays.equals(pairs.objects(), tgt)) {
                    // Another choice is right only among equals: duplicated predictions or objects.
                    float[] cost = MatchCost.apply(tape, problem, settings(config.useFocal())).toFloats();
                    double ours = sum(cost, proposals, pairs.proposals(), pairs.objects());
                    double theirs = sum(cost, proposals, src, tgt);
                    assertThat(pairs.count()).isEqualTo(src.length);
                    assertThat(Math.abs(ours - theirs)).as("cost of our pairs and theirs").isLessThan(2e-6 * (1 + Math.abs(theirs)));
                }
            }
        }
    }

    /** @param logits (1, P, K) */
    private static MatchCost.Problem problem(Tape tape, Tensor logits, Tensor boxes, Target target, double width, double height) {
        float[] size = {(float) width, (float) height, (float) width, (float) height};
        return new MatchCost.Problem(tape, List.of(logits), List.of(boxes), tape.floats(size, 1, 4), new int[][] {target.classes()},
                new float[][] {target.boxesXyxyPx()});
    }

    private static HungarianMatcher.Pairs match(Tape tape, MatchCost.Problem problem, boolean focal) {
        return HungarianMatcher.pairs(HungarianMatcher.match(tape, problem, settings(focal)), problem).getFirst().getFirst();
    }

    private static MatchCost.Settings settings(boolean focal) {
        return new MatchCost.Settings(focal, 0.25, 2, 2, 5, 2);
    }

    /** @param cost (objects, proposals) */
    private static double sum(float[] cost, int proposals, int[] rows, int[] cols) {
        double sum = 0;
        for (int i = 0; i < rows.length; i++) {
            sum += cost[cols[i] * proposals + rows[i]];
        }
        return sum;
    }

    /** Whatever the network says, training goes on. */
    @Test
    void never_throws_on_predictions_that_are_not_finite() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Tensor logits = tape.empty(1, 3, 2);
            logits.set(new float[] {Float.NaN, 0, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1, 2});
            Tensor boxes = tape.empty(1, 3, 4);
            boxes.set(new float[] {Float.NaN, 0, 1, 1, 5, 5, 1, 1, 0, 0, Float.POSITIVE_INFINITY, 9});
            Target target = new Target(new int[] {0, 1}, new float[] {0, 0, 4, 4, 2, 2, 8, 8});
            var pairs = match(tape, problem(tape, logits, boxes, target, 10, 10), true);
            assertThat(pairs.count()).isEqualTo(2);
            assertThat(pairs.objects()).containsExactlyInAnyOrder(0, 1);
        }
    }
}
