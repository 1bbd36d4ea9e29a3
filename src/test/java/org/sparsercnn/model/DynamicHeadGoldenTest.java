package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.op.Add;
import org.sparsercnn.op.Permute;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;

/** One stage of the head with all its gradients, against the published {@code RCNNHead}. */
class DynamicHeadGoldenTest {
    /** Of each tensor's largest value; the recording states no noise for a whole head, its longest chain of products shows this. */
    private static final double TOLERANCE = 5e-6;

    @ParameterizedTest
    @ValueSource(strings = {"rcnn_head", "rcnn_head_gelu_ce"})
    void outputs_and_gradients(String name) {
        Golden golden = Golden.load("ops");
        JsonNode c = null;
        for (JsonNode each : golden.json().get("cases")) {
            c = each.get("case").asText().equals(name) ? each : c;
        }
        JsonNode a = c.get("attrs");
        Config config = Config.load(Path.of("configs/quickstart.yaml"), List.of("MODEL.SparseRCNN.HIDDEN_DIM", a.get("d_model").asText(),
                "MODEL.FPN.OUT_CHANNELS", a.get("d_model").asText(), "MODEL.SparseRCNN.NHEADS", a.get("heads").asText(),
                "MODEL.SparseRCNN.DIM_FEEDFORWARD", a.get("ffn").asText(), "MODEL.SparseRCNN.DIM_DYNAMIC", a.get("dim_dynamic").asText(),
                "MODEL.SparseRCNN.ACTIVATION", a.get("activation").asText(), "MODEL.SparseRCNN.NUM_CLS", a.get("num_cls").asText(),
                "MODEL.SparseRCNN.NUM_REG", a.get("num_reg").asText(), "MODEL.SparseRCNN.NUM_CLASSES", a.get("num_classes").asText(),
                "MODEL.SparseRCNN.USE_FOCAL", a.get("use_focal").asBoolean() ? "True" : "False"));
        List<Tensor> owned = new ArrayList<>();
        try (Device device = new CpuDevice(2, -1); Parameters parameters = new Parameters(device); Tape tape = Tape.training(device, new Rng(1))) {
            DynamicHead head = new DynamicHead(parameters.root(), config.model());
            for (Parameter p : parameters.all()) {
                p.setPublished(golden.array(name + "/in." + p.name().replace(".", "__")).floats());
            }
            Map<String, Variable> leaves = new LinkedHashMap<>();
            for (String input : List.of("p2", "p3", "p4", "p5", "boxes", "pro_features")) {
                Array v = golden.array(name + "/in." + input);
                Tensor t = Tensor.of(device, v.floats(), v.shape());
                owned.add(t);
                leaves.put(input, Variable.leaf(t));
            }
            List<Variable> pyramid = List.of("p2", "p3", "p4", "p5").stream().map(p -> Permute.apply(tape, leaves.get(p), 0, 2, 3, 1)).toList();
            Variable boxes = leaves.get("boxes");
            long n = boxes.shape().size(0);
            long count = boxes.shape().size(1);
            Variable features = tape.reshape(leaves.get("pro_features"), n, count, a.get("d_model").asLong());
            SparseRcnn.Stage out = head.apply(tape, pyramid, boxes, features);
            Map<String, Variable> outputs = Map.of("class_logits", out.logits(), "pred_bboxes", out.boxesXyxyPx(), "obj_features", out.features());
            List<Variable> roots = new ArrayList<>();
            List<Tensor> seeds = new ArrayList<>();
            for (var e : outputs.entrySet()) {
                near(name, "out." + e.getKey(), e.getValue().value().toFloats(), golden);
                Tensor seed = tape.empty(e.getValue().shape());
                seed.set(golden.array(name + "/cot." + e.getKey()).floats());
                roots.add(e.getValue());
                seeds.add(seed);
            }
            tape.backward(roots, seeds, (x, y) -> Add.sum(tape, x, y), _ -> {});
            for (var e : leaves.entrySet()) {
                near(name, "grad." + e.getKey(), e.getValue().grad().toFloats(), golden);
                e.getValue().clearGradient();
            }
            for (Parameter p : parameters.all()) {
                near(name, "grad." + p.name().replace(".", "__"), p.publishedOrder(p.variable().grad().toFloats()), golden);
            }
            owned.forEach(Tensor::release);
        }
    }

    private static void near(String name, String tensor, float[] got, Golden golden) {
        double[] wanted = golden.array(name + "/" + tensor).values();
        double allowed = TOLERANCE * Arrays.stream(wanted).map(Math::abs).max().orElseThrow();
        assertThat(got).hasSize(wanted.length);
        for (int i = 0; i < wanted.length; i++) {
            assertThat(Math.abs(got[i] - wanted[i])).as("%s[%d] = %s, wanted %s", tensor, i, got[i], wanted[i]).isLessThanOrEqualTo(allowed);
        }
    }
}
