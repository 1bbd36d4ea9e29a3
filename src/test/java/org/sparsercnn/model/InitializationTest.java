package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.nn.Parameter;

class InitializationTest {
    private static Config config(String... overrides) {
        return Config.load(Path.of("configs/quickstart.yaml"), List.of(overrides));
    }

    private static Map<String, Integer> hashes(SparseRcnn model) {
        return model.parameters().all().stream().collect(Collectors.toMap(Parameter::name, p -> Arrays.hashCode(p.published())));
    }

    /** The published code fills every tensor whose last axis equals NUM_CLASSES; here only the classification layer may change. */
    @Test
    void the_number_of_classes_touches_the_classification_layer_alone() {
        Config base = config("MODEL.SparseRCNN.NUM_HEADS", "1", "MODEL.RESNETS.STEM_OUT_CHANNELS", "4", "MODEL.RESNETS.RES2_OUT_CHANNELS", "4");
        try (Device device = new CpuDevice(1, -1)) {
            Map<String, Integer> wanted;
            try (SparseRcnn model = new SparseRcnn(device, base.model())) {
                Initialization.apply(model, 3);
                wanted = hashes(model);
            }
            float bias = (float) -Math.log(99);
            for (int classes = 1; classes <= 1024; classes++) {
                try (SparseRcnn model = new SparseRcnn(device, base.with("MODEL.SparseRCNN.NUM_CLASSES", Integer.toString(classes)).model())) {
                    Initialization.apply(model, 3);
                    for (Parameter p : model.parameters().all()) {
                        if (p.name().endsWith("class_logits.bias")) {
                            assertThat(p.published()).as("%d classes", classes).hasSize(classes).containsOnly(bias);
                        } else if (!p.name().endsWith("class_logits.weight")) {
                            assertThat(Arrays.hashCode(p.published())).as("%s with %d classes", p.name(), classes).isEqualTo(wanted.get(p.name()));
                        }
                    }
                }
            }
        }
    }

    @Test
    void values_are_drawn_as_detectron2_draws_them() {
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, config().model())) {
            Initialization.apply(model, 1);
            float[] boxes = model.parameters().get("init_proposal_boxes.weight").published();
            assertThat(Arrays.copyOf(boxes, 8)).containsExactly(0.5f, 0.5f, 1, 1, 0.5f, 0.5f, 1, 1);
            assertThat(std(model, "init_proposal_features.weight")).isBetween(0.95, 1.05);
            // c2_msra_fill: sqrt(2 / (out * 3 * 3)); xavier: uniform of the same variance as sqrt(2 / (in + out))
            assertThat(std(model, "backbone.bottom_up.res5.1.conv2.weight") / Math.sqrt(2.0 / (128 * 9))).isBetween(0.97, 1.03);
            assertThat(std(model, "backbone.fpn_output3.weight") / Math.sqrt(1.0 / (64 * 9))).isBetween(0.97, 1.03);
            assertThat(std(model, "head.head_series.1.linear1.weight") / Math.sqrt(2.0 / (64 + 256))).isBetween(0.97, 1.03);
            assertThat(model.parameters().get("backbone.bottom_up.res2.0.conv1.norm.weight").published()).containsOnly(1);
            assertThat(model.parameters().get("head.head_series.0.norm2.bias").published()).containsOnly(0);
            assertThat(model.parameters().get("head.head_series.0.self_attn.in_proj_bias").published()).containsOnly(0);
            assertThat(model.parameters().get("head.head_series.2.class_logits.bias").published()).containsOnly((float) -Math.log(99));
            for (float b : model.parameters().get("head.head_series.0.linear2.bias").published()) {
                assertThat(Math.abs(b)).isLessThanOrEqualTo(1 / 16f);
            }
        }
    }

    private static double std(SparseRcnn model, String name) {
        float[] v = model.parameters().get(name).published();
        double mean = 0;
        double square = 0;
        for (float f : v) {
            mean += f / v.length;
            square += (double) f * f / v.length;
        }
        return Math.sqrt(square - mean * mean);
    }
}
