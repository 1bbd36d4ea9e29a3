package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.testing.GoldenWeights;
import org.sparsercnn.testing.PortableGenerator;

/** The trace of the recorded tiny model beside the model's own stages and beside float64. */
class StageTraceTest {
    private static final GoldenWeights TINY = GoldenWeights.load("model_tiny");
    private static final ImageBatch.Picture PICTURE = new ImageBatch.Picture(PortableGenerator.picture("image0", 3, 60, 90), 90, 60);

    @Test
    void boxes_and_scores_are_those_of_the_models_stages_and_starts_the_learned_boxes() {
        try (Device device = new CpuDevice(2, -1); SparseRcnn model = new SparseRcnn(device, TINY.config().model())) {
            TINY.fill(model);
            StageTrace trace = StageTrace.of(model, PICTURE);
            try (Tape tape = Tape.inference(device)) {
                List<SparseRcnn.Stage> stages = model.apply(tape, ImageBatch.of(tape, List.of(PICTURE), model.config()));
                assertThat(trace.stages()).isEqualTo(stages.size()).isEqualTo(model.config().sparseRcnn().numHeads());
                for (int s = 0; s < stages.size(); s++) {
                    assertThat(trace.boxesXyxyPx().get(s + 1)).isEqualTo(stages.get(s).boxesXyxyPx().value().toFloats());
                    float[] logits = stages.get(s).logits().value().toFloats();
                    assertThat(trace.scores().get(s)).hasSameSizeAs(logits);
                    for (int i = 0; i < logits.length; i++) {
                        assertThat(trace.scores().get(s)[i]).isCloseTo((float) (1 / (1 + Math.exp(-logits[i]))), within(1e-7f));
                    }
                }
                Detections found = Detections.select(stages.getLast().logits().value().toFloats(),
                        stages.getLast().boxesXyxyPx().value().toFloats(), model.config().sparseRcnn());
                int best = trace.best(1, 1)[0]; // one at least
                assertThat(trace.finalScore(best)).isEqualTo(found.scores()[0]);
                assertThat(trace.bestClass(best)).isEqualTo(found.classes()[0]);
            }
            float[] learned = model.parameters().get("init_proposal_boxes.weight").published();
            for (int p = 0; p < trace.proposals(); p++) {
                assertThat(trace.boxesXyxyPx().getFirst()[4 * p]).isCloseTo((learned[4 * p] - learned[4 * p + 2] / 2) * 90, within(1e-4f));
                assertThat(trace.boxesXyxyPx().getFirst()[4 * p + 3]).isCloseTo((learned[4 * p + 1] + learned[4 * p + 3] / 2) * 60, within(1e-4f));
            }
            StageTrace doubled = trace.scaled(90, 60, 180, 30);
            assertThat(doubled.boxesXyxyPx().getLast()[0]).isEqualTo(2 * trace.boxesXyxyPx().getLast()[0]);
            assertThat(doubled.boxesXyxyPx().getLast()[1]).isEqualTo(trace.boxesXyxyPx().getLast()[1] / 2);
        }
    }

    @Test
    void attention_is_the_softmax_of_q_and_k_of_the_last_stage_averaged_over_heads() {
        try (Device device = new CpuDevice(2, -1); SparseRcnn model = new SparseRcnn(device, TINY.config().model())) {
            TINY.fill(model);
            int n = model.config().sparseRcnn().numProposals();
            int e = model.config().sparseRcnn().hiddenDim();
            int heads = model.config().sparseRcnn().nheads();
            int last = model.config().sparseRcnn().numHeads() - 1;
            float[] given;
            try (Tape tape = Tape.inference(device)) {
                given = model.apply(tape, ImageBatch.of(tape, List.of(PICTURE), model.config())).get(last - 1).features().value().toFloats();
            }
            String name = "head.head_series." + last + ".self_attn.in_proj_";
            double[][] qk = project(given, model.parameters().get(name + "weight").published(), model.parameters().get(name + "bias").published(), n, e);
            float[] attention = StageTrace.of(model, PICTURE).attention();
            for (int i = 0; i < n; i++) {
                double[] wanted = new double[n];
                for (int h = 0; h < heads; h++) {
                    double[] row = new double[n];
                    double sum = 0;
                    for (int j = 0; j < n; j++) {
                        double dot = 0;
                        for (int c = h * e / heads; c < (h + 1) * e / heads; c++) {
                            dot += qk[i][c] * qk[j][e + c];
                        }
                        sum += row[j] = Math.exp(dot / Math.sqrt((double) e / heads));
                    }
                    for (int j = 0; j < n; j++) {
                        wanted[j] += row[j] / sum / heads;
                    }
                }
                double total = 0;
                for (int j = 0; j < n; j++) {
                    assertThat((double) attention[i * n + j]).as("row %d column %d", i, j).isCloseTo(wanted[j], within(1e-5));
                    total += attention[i * n + j];
                }
                assertThat(total).isCloseTo(1, within(1e-5));
            }
        }
    }

    private static double[][] project(float[] x, float[] weight, float[] bias, int n, int e) {
        double[][] y = new double[n][2 * e];
        for (int i = 0; i < n; i++) {
            for (int o = 0; o < 2 * e; o++) {
                y[i][o] = bias[o];
                for (int c = 0; c < e; c++) {
                    y[i][o] += (double) x[i * e + c] * weight[o * e + c];
                }
            }
        }
        return y;
    }

    @Test
    void the_background_of_a_softmax_is_no_class() {
        var config = GoldenWeights.config(TINY.json().get("config_yaml").asText(), List.of("MODEL.SparseRCNN.USE_FOCAL", "False")).model();
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, config)) { // all weights zero: all logits equal
            int classes = config.sparseRcnn().numClasses();
            StageTrace trace = StageTrace.of(model, PICTURE);
            assertThat(trace.scores().getLast()).hasSize(config.sparseRcnn().numProposals() * classes).containsOnly((float) (1.0 / (classes + 1)));
        }
    }
}
