package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.testing.GoldenWeights;

/** Prepared weights and replayed passes change nothing but the work done. */
class PredictorTest {
    private static final GoldenWeights TINY = GoldenWeights.load("model_tiny");

    private static ImageBatch.Picture picture(int width, int height, long seed) {
        byte[] bytes = new byte[3 * width * height];
        new Random(seed).nextBytes(bytes);
        return new ImageBatch.Picture(bytes, width, height);
    }

    private static Predictor.Output run(Predictor predictor, int width, int height, long seed) {
        return predictor.run(List.of(picture(width, height, seed)));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void aReplayedPassIsAsADirectOne(DType compute) {
        try (Device device = NullGpu.lateDevice(); SparseRcnn model = new SparseRcnn(device, TINY.config().model())) {
            TINY.fill(model);
            long before = device.memory().inUse();
            try (Predictor direct = new Predictor(model, new Predictor.Settings(compute, 0));
                    Predictor recorded = new Predictor(model, new Predictor.Settings(compute, 2))) {
                // Sizes of one padding share a recording: 60x90 and 64x96. The third size pushes the first out.
                int[][] sizes = {{64, 96}, {64, 96}, {60, 90}, {96, 64}, {96, 64}, {64, 64}, {64, 64}, {64, 96}, {96, 64}};
                for (int i = 0; i < sizes.length; i++) {
                    Predictor.Output wanted = run(direct, sizes[i][0], sizes[i][1], i);
                    Predictor.Output got = run(recorded, sizes[i][0], sizes[i][1], i);
                    assertThat(got.logits()).as("logits of picture " + i).isEqualTo(wanted.logits());
                    assertThat(got.boxesXyxyPx()).as("boxes of picture " + i).isEqualTo(wanted.boxesXyxyPx());
                }
            }
            assertThat(device.memory().inUse()).isEqualTo(before);
        }
    }

    @Test
    void aDeviceThatCannotRecordWorksDirectly() {
        try (Device device = new CpuDevice(1, -1); SparseRcnn model = new SparseRcnn(device, TINY.config().model())) {
            TINY.fill(model);
            long before = device.memory().inUse();
            try (Predictor predictor = new Predictor(model, new Predictor.Settings(DType.F32, 2))) {
                Predictor.Output first = run(predictor, 64, 96, 1);
                for (int i = 0; i < 3; i++) {
                    assertThat(run(predictor, 64, 96, 1).logits()).isEqualTo(first.logits());
                }
            }
            assertThat(device.memory().inUse()).isEqualTo(before);
        }
    }
}
