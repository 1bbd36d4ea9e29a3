package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.sparsercnn.autograd.Prepared;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Bf16;
import org.sparsercnn.testing.Bf16Device;
import org.sparsercnn.testing.Golden;

/**
 * The recorded tiny model in bf16: how far it may stray is measured by the model itself, in fp32 with its weights rounded to bf16.
 * Its random weights make it badly conditioned; that rounding alone moves the gradient by a quarter.
 */
class Bf16ModelTest {
    private final Golden golden = Golden.load("model_tiny");
    private final JsonNode json = golden.json();
    private final Device device = new Bf16Device(new CpuDevice(2, -1));
    private final GoldenModel model = new GoldenModel(device, json.get("config_yaml").asText(), List.of(), json.get("weights"),
            json.get("portable_seed").asLong(), json.get("image_sizes_hw"), golden, "");

    @AfterEach
    void close() {
        model.model.parameters().clearGradients();
        model.close();
        device.close();
    }

    @Test
    void outputs_of_every_stage() {
        List<Double> bf16 = outputErrors(DType.BF16);
        roundWeights();
        List<Double> rounded = outputErrors(DType.F32);
        for (int i = 0; i < bf16.size(); i++) {
            assertThat(bf16.get(i)).as("relative error of output %d; with rounded weights %s", i, rounded.get(i)).isPositive()
                    .isLessThan(4 * rounded.get(i));
        }
    }

    @Test
    void losses_within_three_percent_and_gradients() {
        Map<String, Double> losses = model.lossesAndGradients(DType.BF16, new ArrayList<>());
        losses.forEach((name, value) -> {
            double wanted = golden.array("loss/" + name).values()[0];
            assertThat(value).as(name).isCloseTo(wanted, within(0.03 * wanted));
        });
        double bf16 = gradientError();
        model.model.parameters().clearGradients();
        roundWeights();
        model.lossesAndGradients(new ArrayList<>());
        double rounded = gradientError();
        assertThat(bf16).as("relative error of the gradient; with rounded weights " + rounded).isPositive().isLessThan(2 * rounded);
    }

    /** Logits, boxes and features of every stage, relative to their norms. */
    private List<Double> outputErrors(DType compute) {
        List<Double> errors = new ArrayList<>();
        try (Prepared prepared = new Prepared(); Tape tape = Tape.inference(device, compute, prepared)) {
            List<SparseRcnn.Stage> stages = model.model.apply(tape, ImageBatch.of(tape, model.pictures, model.model.config()));
            for (int s = 0; s < stages.size(); s++) {
                SparseRcnn.Stage stage = stages.get(s);
                assertThat(stage.boxesXyxyPx().value().dtype()).isEqualTo(DType.F32);
                assertThat(stage.features().value().dtype()).isEqualTo(compute);
                errors.add(error(stage.logits(), golden.any("train/head" + s + ".logits")));
                errors.add(error(stage.boxesXyxyPx(), golden.any("train/head" + s + ".boxes")));
                errors.add(error(stage.features(), golden.any("train/head" + s + ".obj_features")));
            }
        }
        return errors;
    }

    private static double error(Variable got, Array wanted) {
        return Math.sqrt(squares(Bf16.floats(got.value()), wanted.values()) / squares(new float[wanted.values().length], wanted.values()));
    }

    /** Of the whole gradient. */
    private double gradientError() {
        double difference = 0;
        double size = 0;
        for (Parameter p : model.model.parameters().trainable()) {
            assertThat(p.variable().grad().dtype()).as(p.name()).isEqualTo(DType.F32);
            Array wanted = golden.any("grad/" + p.name());
            difference += squares(GoldenModel.gradient(p).floats(), wanted.values());
            size += squares(new float[wanted.values().length], wanted.values());
        }
        return Math.sqrt(difference / size);
    }

    /** Sum of squared differences; {@code wanted} may be a sample of equally distant elements. */
    private static double squares(float[] got, double[] wanted) {
        double sum = 0;
        for (int i = 0; i < wanted.length; i++) {
            sum += Math.pow(got[(int) ((long) i * got.length / wanted.length)] - wanted[i], 2);
        }
        return sum;
    }

    private void roundWeights() {
        for (Parameter p : model.model.parameters().all()) {
            p.value().set(Bf16.widen(Bf16.narrow(p.value().toFloats())));
        }
    }
}
