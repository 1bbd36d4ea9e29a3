package org.sparsercnn.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

/** The terms and their sum; the recorded cases are of one term each. */
class SetLossSpec extends OpSpec {
    private static final double NO_OBJECT = 0.1;

    @Override
    protected Set<String> goldenOps() {
        return Set.of("sigmoid_focal", "giou_loss_sum", "l1_loss_sum", "cross_entropy_weighted");
    }

    @Override
    protected Set<String> differentiable() {
        return Set.of("logits", "boxes");
    }

    @Override
    protected Map<String, Variable> run(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        return switch (attrs.path("op").asText()) {
            case "sigmoid_focal" -> Map.of("y", recordedFocal(tape, in, attrs));
            case "cross_entropy_weighted" -> Map.of("y", recordedCrossEntropy(tape, in));
            case "giou_loss_sum" -> Map.of("y", recordedBoxes(tape, in.get("src"), in.get("tgt"), 0, 1, attrs.get("num_boxes").asDouble()));
            case "l1_loss_sum" -> Map.of("y", recordedBoxes(tape, in.get("a"), in.get("b"), 1, 0, 1));
            default -> Map.of("total", total(tape, in, attrs));
        };
    }

    private static Variable total(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable logits = Permute.dense(tape, in.get("logits"));
        Variable boxes = Permute.dense(tape, in.get("boxes"));
        SetLoss.Result r = loss(tape, in, attrs);
        return record(tape, r.terms().narrow(0, r.terms().elements() - 1, 1), List.of(logits, boxes), List.of(r.dlogits(), r.dboxes()));
    }

    private static SetLoss.Result loss(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        MatchCost.Problem problem = Problems.of(tape, in, attrs);
        return SetLoss.apply(tape, problem, ints(tape, in.get("match")), settings(attrs.get("focal").asBoolean()), NO_OBJECT,
                divisors(problem, in.get("objects").value(), attrs.get("ranks").asInt()));
    }

    private static SetLoss.Divisors divisors(MatchCost.Problem p, Tensor objects, int ranks) {
        return SetLoss.Divisors.of(objects, ranks, IntStream.range(0, p.images()).map(p::objects).toArray(), p.proposals(), NO_OBJECT);
    }

    private static MatchCost.Settings settings(boolean focal) {
        return new MatchCost.Settings(focal, 0.25, 2, 2, 5, 3);
    }

    /** A scalar whose gradients are known for dy = 1. */
    private static Variable record(Tape tape, Tensor y, List<Variable> inputs, List<Tensor> gradients) {
        Variable[] in = inputs.toArray(Variable[]::new);
        return tape.record(y, in, gradients.toArray(Tensor[]::new), dy -> gradients.stream()
                .map(g -> Scale.apply(tape, Variable.constant(g), dy.item()).value()).toArray(Tensor[]::new));
    }

    // Recorded cases

    /** The recorded targets may have several classes per row: each decision becomes a proposal of one class. */
    private static Variable recordedFocal(Tape tape, Map<String, Variable> in, JsonNode attrs) {
        Variable x = Permute.dense(tape, in.get("x"));
        int[] match = matching(ints(tape, in.get("t")).toInts(), hit -> hit == 1);
        var settings = new MatchCost.Settings(true, attrs.get("alpha").asDouble(), attrs.get("gamma").asDouble(), 1, 0, 0);
        SetLoss.Result r = classification(tape, x.value().reshape(1, x.value().elements(), 1), match, _ -> 0, settings);
        return record(tape, r.terms().narrow(0, 3, 1).reshape(), List.of(x), List.of(r.dlogits().reshape(x.shape().toArray())));
    }

    private static Variable recordedCrossEntropy(Tape tape, Map<String, Variable> in) {
        Variable x = Permute.dense(tape, in.get("x"));
        int background = (int) x.shape().size(-1) - 1;
        float[] weights = Permute.dense(tape, in.get("weight")).value().toFloats();
        assertThat(weights[0]).isEqualTo(1f);
        assertThat(weights[background]).isEqualTo((float) NO_OBJECT);
        int[] classes = ints(tape, in.get("t")).toInts();
        int[] match = matching(classes, c -> c != background);
        SetLoss.Result r = classification(tape, x.value().reshape(1, x.shape().rows(), background + 1), match, p -> classes[p],
                new MatchCost.Settings(false, 0, 0, 1, 0, 0));
        return record(tape, r.terms().narrow(0, 3, 1).reshape(), List.of(x), List.of(r.dlogits().reshape(x.shape().toArray())));
    }

    /** Proposal by proposal the index of its object, -1 for none. */
    private static int[] matching(int[] values, java.util.function.IntPredicate object) {
        int[] match = new int[values.length];
        int objects = 0;
        for (int p = 0; p < match.length; p++) {
            match[p] = object.test(values[p]) ? objects++ : -1;
        }
        return match;
    }

    /** @param logits (1, P, K) */
    private static SetLoss.Result classification(Tape tape, Tensor logits, int[] match, java.util.function.IntUnaryOperator labelOf, MatchCost.Settings s) {
        int[] labels = IntStream.range(0, match.length).filter(p -> match[p] >= 0).map(labelOf).toArray();
        Tensor boxes = tape.zeros(Shape.of(1, match.length, 4));
        var problem = new MatchCost.Problem(tape, List.of(logits), List.of(boxes), ones(tape, 1, 4), new int[][] {labels}, new float[][] {new float[4 * labels.length]});
        return SetLoss.apply(tape, problem, tape.ints(match), s, NO_OBJECT, divisors(problem, ones(tape, 1), 1));
    }

    /** Both losses are symmetric, so the gradient of the second argument is that of the first when they change places. */
    private static Variable recordedBoxes(Tape tape, Variable a, Variable b, double boxWeight, double giouWeight, double objects) {
        var settings = new MatchCost.Settings(true, 0.25, 2, 0, boxWeight, giouWeight);
        Variable x = Permute.dense(tape, a);
        Variable y = Permute.dense(tape, b);
        SetLoss.Result there = boxes(tape, x.value(), y.value(), settings, objects);
        SetLoss.Result back = boxes(tape, y.value(), x.value(), settings, objects);
        long[] shape = x.shape().toArray();
        return record(tape, there.terms().narrow(0, 3, 1).reshape(), List.of(x, y), List.of(there.dboxes().reshape(shape), back.dboxes().reshape(shape)));
    }

    private static SetLoss.Result boxes(Tape tape, Tensor boxes, Tensor truth, MatchCost.Settings s, double objects) {
        int n = (int) boxes.size(0);
        Tensor divisor = tape.floats(new float[] {(float) objects}, 1);
        var problem = new MatchCost.Problem(tape, List.of(tape.zeros(Shape.of(1, n, 1))), List.of(boxes.reshape(1, n, 4)), ones(tape, 1, 4),
                new int[][] {new int[n]}, new float[][] {truth.toFloats()});
        return SetLoss.apply(tape, problem, identity(tape, n), s, NO_OBJECT, divisors(problem, divisor, 1));
    }

    private static Tensor ones(Tape tape, long... shape) {
        Tensor t = tape.empty(shape);
        float[] ones = new float[(int) t.elements()];
        Arrays.fill(ones, 1);
        t.set(ones);
        return t;
    }

    // Against float64

    @Override
    protected Map<String, Array> reference(Map<String, Array> in, JsonNode attrs) {
        return Map.of("total", new Array(new double[] {Arrays.stream(terms(in, attrs)).sum()}, 1));
    }

    private static double[] terms(Map<String, Array> in, JsonNode attrs) {
        Array logits = in.get("logits");
        int rows = logits.size(1) * logits.size(2);
        int ranks = attrs.get("ranks").asInt();
        double objects = Math.max(1, in.get("objects").values()[0] / ranks);
        boolean focal = attrs.get("focal").asBoolean();
        double[] terms = new double[3 * logits.size(0)];
        for (int s = 0; s < logits.size(0); s++) {
            double weights = 0;
            for (int row = s * rows; row < (s + 1) * rows; row++) {
                int m = (int) in.get("match").values()[row];
                weights += m < 0 ? NO_OBJECT : 1;
                terms[3 * s] += classLoss(logits, row, m < 0 ? -1 : (int) in.get("labels").values()[m], focal);
                if (m >= 0) {
                    terms[3 * s + 1] += 1 - Boxes.giouXyxy(in.get("boxes").values(), row, in.get("truth").values(), m);
                    for (int k = 0; k < 4; k++) {
                        terms[3 * s + 2] += Math.abs(in.get("boxes").values()[4 * row + k] - in.get("truth").values()[4 * m + k])
                                / in.get("whwh").values()[row % rows / logits.size(2) * 4 + k];
                    }
                }
            }
            terms[3 * s] *= 2 / (focal ? objects : weights);
            terms[3 * s + 1] *= 3 / objects;
            terms[3 * s + 2] *= 5 / objects;
        }
        return terms;
    }

    private static double classLoss(Array logits, int row, int label, boolean focal) {
        int classes = logits.size(3);
        double sum = 0;
        for (int k = 0; k < classes; k++) {
            double x = logits.values()[row * classes + k];
            double s = k == label ? -x : x;
            double softplus = Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s)));
            sum += focal ? (k == label ? 0.25 : 0.75) * Math.pow(1 / (1 + Math.exp(-s)), 2) * softplus : Math.exp(x);
        }
        int target = label < 0 ? classes - 1 : label;
        return focal ? sum : (label < 0 ? NO_OBJECT : 1) * (Math.log(sum) - logits.values()[row * classes + target]);
    }

    @Override
    protected List<Sample> samples(Random r) {
        return List.of(sample(r, true, 2, 7, 3, 3, 0, 5), sample(r, false, 2, 7, 4, 3, 0, 5), sample(r, true, 1, 1, 1, 1), sample(r, true, 1, 3, 2, 0),
                sample(r, false, 1, 3, 2, 0), sample(r, true, 1, 2, 5, 4), sample(r, true, 1, 3, 80, 2), sample(r, false, 1, 3, 81, 2));
    }

    private static Sample sample(Random r, boolean focal, int stages, int proposals, int classes, int... counts) {
        Sample s = Problems.sample(r, "", focal, stages, proposals, classes, focal ? classes : classes - 1, counts);
        Map<String, Array> in = new LinkedHashMap<>(s.in());
        double[] logits = in.get("logits").values();
        for (int i = 0; focal && i < logits.length; i += 7) {
            logits[i] *= 30; // both tails
        }
        in.put("match", randomMatch(r, stages, proposals, counts));
        in.put("objects", new Array(new double[] {Arrays.stream(counts).sum()}, 1));
        Map<String, Object> attrs = Map.of("counts", counts, "focal", focal, "ranks", 1);
        return new Sample(s.name(), in, org.sparsercnn.util.Json.MAPPER.valueToTree(attrs));
    }

    private static Array randomMatch(Random r, int stages, int proposals, int[] counts) {
        Array match = Array.zeros(stages, counts.length, proposals);
        Arrays.fill(match.values(), -1);
        for (int s = 0; s < stages; s++) {
            for (int n = 0, first = 0; n < counts.length; first += counts[n++]) {
                List<Integer> places = new ArrayList<>(IntStream.range(0, proposals).boxed().toList());
                Collections.shuffle(places, r);
                for (int i = 0; i < Math.min(counts[n], proposals); i++) {
                    match.values()[(s * counts.length + n) * proposals + places.get(i)] = first + i;
                }
            }
        }
        return match;
    }

    @Test
    void everyTermInFloat64() {
        for (Sample s : samples(new Random(3))) {
            try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
                Map<String, Variable> in = variables(tape, s.in());
                double[] wanted = terms(s.in(), s.attrs());
                float[] got = loss(tape, in, s.attrs()).terms().toFloats();
                for (int t = 0; t < wanted.length; t++) {
                    assertThat((double) got[t]).as(s.name() + " term " + t).isCloseTo(wanted[t], within(3e-6 * (1 + Math.abs(wanted[t]))));
                }
            }
        }
    }

    /** Terms are over the mean number of objects of a rank; the gradient is that of the ranks' mean. */
    @Test
    void ranksShareTheObjects() {
        Sample s = sample(new Random(5), true, 2, 7, 3, 3, 0, 5);
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            Map<String, Variable> in = variables(tape, s.in());
            SetLoss.Result alone = loss(tape, in, s.attrs());
            in.put("objects", Variable.constant(tape.floats(new float[] {32}, 1)));
            SetLoss.Result shared = loss(tape, in, ((com.fasterxml.jackson.databind.node.ObjectNode) s.attrs().deepCopy()).put("ranks", 4));
            near(shared.terms(), alone.terms(), 1);
            near(shared.dlogits(), alone.dlogits(), 0.25);
            near(shared.dboxes(), alone.dboxes(), 0.25);
            in.put("objects", Variable.constant(tape.floats(new float[] {3}, 1)));
            SetLoss.Result few = loss(tape, in, ((com.fasterxml.jackson.databind.node.ObjectNode) s.attrs().deepCopy()).put("ranks", 4));
            near(few.terms(), alone.terms(), 8);
        }
    }

    private static Map<String, Variable> variables(Tape tape, Map<String, Array> arrays) {
        Map<String, Variable> in = new LinkedHashMap<>();
        arrays.forEach((name, a) -> in.put(name, Variable.constant(tape.floats(a.floats(), a.shape()))));
        return in;
    }

    private static void near(Tensor got, Tensor wanted, double factor) {
        float[] g = got.toFloats();
        float[] w = wanted.toFloats();
        for (int i = 0; i < w.length; i++) {
            assertThat((double) g[i]).isCloseTo(factor * w[i], within(1e-6 * (1 + Math.abs(w[i]))));
        }
    }

    /** A label nobody has is background; NaN shows in the total. */
    @Test
    void foreignLabelsAndNan() {
        try (Device device = new CpuDevice(1, -1); Tape tape = Tape.inference(device)) {
            for (boolean focal : new boolean[] {true, false}) {
                Tensor logits = tape.zeros(Shape.of(1, 2, 3));
                int[] none = {-1, -1};
                float background = classification(tape, logits, none, _ -> 0, settings(focal)).terms().toFloats()[0];
                SetLoss.Result foreign = classification(tape, logits, new int[] {0, -1}, _ -> 77, settings(focal));
                assertThat(foreign.dlogits().toFloats()).doesNotContain(Float.NaN);
                assertThat(foreign.terms().toFloats()[0]).isFinite().isLessThanOrEqualTo(background);
                logits.set(new float[] {0, 0, 0, 0, Float.NaN, 0});
                float[] terms = classification(tape, logits, none, _ -> 0, settings(focal)).terms().toFloats();
                assertThat(terms[0]).isNaN();
                assertThat(terms[3]).isNaN();
                assertThat(terms[1]).isZero();
            }
        }
    }
}
