package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.Json;

class MatchCostSpec extends OpSpec {
    private static MatchCost.Settings settings(boolean focal) {
        return new MatchCost.Settings(focal, 0.25, 2, 2, 5, 2);
    }

    @Override
    protected Set<String> goldenOps() {
        return Set.of();
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of();
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        MatchCost.Problem problem = Problems.of(tape, in, attrs);
        Tensor cost = MatchCost.apply(tape, problem, settings(attrs.get("focal").asBoolean()));
        return Map.of("cost", Variable.constant(cost));
    }

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        Array logits = in.get("logits");
        int classes = logits.size(3);
        int proposals = logits.size(2);
        int images = logits.size(1);
        int objects = in.get("truth").size(0);
        int[] imageOf = Problems.images(Problems.counts(attrs));
        Array cost = Array.zeros(logits.size(0), objects, proposals);
        for (int i = 0; i < cost.values().length; i++) {
            int m = i / proposals % objects;
            int row = (i / proposals / objects * images + imageOf[m]) * proposals + i % proposals;
            int label = (int) in.get("labels").values()[m];
            double l1 = 0;
            for (int k = 0; k < 4; k++) {
                l1 += Math.abs(in.get("boxes").values()[4 * row + k] - in.get("truth").values()[4 * m + k])
                        / in.get("whwh").values()[4 * imageOf[m] + k];
            }
            double exponentials = 0;
            for (int k = 0; k < classes; k++) {
                exponentials += Math.exp(logits.values()[row * classes + k]);
            }
            double logit = logits.values()[row * classes + label];
            double q = 1 / (1 + Math.exp(-logit));
            double classCost = attrs.get("focal").asBoolean()
                    ? 0.25 * (1 - q) * (1 - q) * -Math.log(q + 1e-8) - 0.75 * q * q * -Math.log(1 - q + 1e-8) : -Math.exp(logit) / exponentials;
            cost.values()[i] = 5 * l1 + 2 * classCost - 2 * Boxes.giouXyxy(in.get("boxes").values(), row, in.get("truth").values(), m);
        }
        return Map.of("cost", cost);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, true, 1, 7, 5, 3), sample(r, false, 1, 7, 5, 3), sample(r, true, 1, 1, 1, 1), sample(r, true, 1, 4, 3, 0),
                sample(r, false, 1, 0, 3, 2), sample(r, true, 2, 5, 80, 41, 0, 2), sample(r, false, 3, 3, 81, 0, 13, 0));
    }

    private static Sample sample(Random r, boolean focal, int stages, int proposals, int classes, int... counts) {
        return Problems.sample(r, "", focal, stages, proposals, classes, classes, counts);
    }

    /** Every cost block of 40 cases of the published matcher. */
    @Test
    void costsAreThePublishedOnes() throws IOException {
        Golden golden = Golden.load("matcher");
        Map<String, Array> blocks = publishedCosts();
        int compared = 0;
        for (JsonNode c : golden.json().get("cases")) {
            String name = c.get("case").asText();
            Array logits = golden.array(name + "/pred_logits");
            Array boxes = golden.array(name + "/pred_boxes");
            Array sizes = golden.array(name + "/image_size_xyxy");
            for (int b = 0; b < c.get("batch").asInt(); b++) {
                String image = name + "/b" + b;
                Map<String, Array> in = Map.of("logits", row(logits, b), "boxes", row(boxes, b), "labels", golden.array(image + ".gt_labels"),
                        "truth", golden.array(image + ".gt_boxes"));
                Array wanted = blocks.get(image);
                close(image, costs(in, sizes.values()[4 * b], sizes.values()[4 * b + 1], c.get("use_focal").asBoolean()), wanted,
                        1e-6 * (1 + scale(wanted)));
                compared++;
            }
        }
        assertThat(compared).isEqualTo(blocks.size()).isEqualTo(100);
    }

    private static Array row(Array batch, int index) {
        int n = batch.size(1) * batch.size(2);
        return new Array(Arrays.copyOfRange(batch.values(), index * n, (index + 1) * n), batch.size(1), batch.size(2));
    }

    private static Map<String, Array> publishedCosts() throws IOException {
        Map<String, Array> blocks = new HashMap<>();
        try (InputStream index = resource("problems.json"); InputStream packed = new GZIPInputStream(resource("costs.bin.gz"))) {
            ByteBuffer values = ByteBuffer.wrap(packed.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (JsonNode p : Json.MAPPER.readTree(index).get("problems")) {
                Array block = Array.zeros(p.get("rows").asLong(), p.get("cols").asLong());
                Arrays.setAll(block.values(), _ -> values.getDouble());
                if (p.get("name").asText().startsWith("case")) {
                    blocks.put(p.get("name").asText(), block);
                }
            }
        }
        return blocks;
    }

    private static InputStream resource(String name) {
        return MatchCostSpec.class.getResourceAsStream("/golden/matcher-assignment/" + name);
    }

    /** (P, M) of one image. */
    private static Array costs(Map<String, Array> in, double width, double height, boolean focal) {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Tensor logits = tensor(tape, in.get("logits"));
            Tensor boxes = tensor(tape, in.get("boxes"));
            int objects = in.get("labels").values().length;
            Tensor sizes = tape.floats(new float[] {(float) width, (float) height, (float) width, (float) height}, 1, 4);
            MatchCost.Problem problem = Problems.of(tape, logits.reshape(1, 1, logits.size(0), logits.size(1)), boxes.reshape(1, 1, boxes.size(0), 4),
                    sizes, in.get("labels").floats(), in.get("truth").floats(), new int[] {objects});
            Tensor cost = MatchCost.apply(tape, problem, settings(focal)).reshape(objects, logits.size(0));
            return array(Permute.copy(tape, cost.permute(1, 0)));
        }
    }

    private static Tensor tensor(Tape tape, Array a) {
        return tape.scope().hold(Tensor.of(tape.device(), a.floats(), a.shape()));
    }

    /** NaN and infinite predictions and labels nobody has get a large finite cost; saturated logits a proper one. */
    @Test
    void costsAreAlwaysFinite() {
        double inf = Double.POSITIVE_INFINITY;
        Array logits = new Array(new double[] {Double.NaN, 0, 100, -100, 0, 0, 0, 0}, 4, 2);
        Array boxes = new Array(new double[] {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, inf, 1, 1, Double.NaN, 2, 2}, 4, 4);
        Array truth = new Array(new double[] {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1}, 3, 4);
        for (boolean focal : new boolean[] {true, false}) {
            double[] cost = costs(Map.of("logits", logits, "boxes", boxes, "labels", new Array(new double[] {0, 1, 2}, 3), "truth", truth),
                    10, 10, focal).values();
            double bad = MatchCost.UNMATCHABLE;
            assertThat(cost[0]).isEqualTo(bad);
            assertThat(cost[1] == bad).isEqualTo(!focal); // softmax looks at the whole row
            assertThat(cost[3]).isBetween(-100.0, 0.0);
            assertThat(cost[4]).isBetween(-2.0, 100.0);
            assertThat(new double[] {cost[2], cost[5], cost[6], cost[7], cost[9], cost[10]}).containsOnly(bad);
        }
    }
}
