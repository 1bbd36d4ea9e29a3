package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.app.Bench.Mode;
import org.sparsercnn.app.Bench.Precision;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Convolution;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Epilogue;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class BenchTest {
    private static final Config SMALL = Config.load(Path.of("configs/quickstart.yaml"), List.of());

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    @TempDir Path folder;

    private JsonNode run(Mode mode, int batch, Precision precision) {
        Path json = folder.resolve("bench.json");
        DeviceChoice cpu = new DeviceChoice(Optional.of("cpu"), Optional.of(1));
        Bench.run(SMALL, new Bench.Options(cpu, mode, batch, 64, 96, precision, 0.01, Optional.of(json)),
                new PrintStream(printed, true, StandardCharsets.UTF_8));
        return Json.read(json, JsonNode.class);
    }

    @Test
    void inferenceByItsParts() {
        JsonNode report = run(Mode.INFER, 2, Precision.FP32);
        assertThat(report.get("parts_ms").fieldNames()).toIterable().containsExactly("pixels", "backbone", "fpn", "heads", "outputs");
        assertThat(report.get("images_per_second").asDouble()).isEqualTo(2 * report.get("passes").asInt() / report.get("seconds").asDouble());
        assertThat(report.get("latency_ms").get("p50").asDouble()).isPositive().isLessThanOrEqualTo(report.get("latency_ms").get("p99").asDouble());
        assertThat(report.get("roofline_share").asDouble()).isBetween(0.0, 1.5);
        assertThat(report.get("peak_device_bytes").asLong()).isGreaterThan(4 * report.get("parameters").asLong());
        assertThat(report.get("environment").get("cpus").asInt()).isPositive();
        assertThat(printed.toString(StandardCharsets.UTF_8)).contains("device      cpu (1 thread").contains("images/s").contains("backbone");
    }

    /** Backward is twice the work of forward, but for what is frozen and for the first layer's input. */
    @Test
    void trainingByItsPartsAndItsWork() {
        double forward = run(Mode.INFER, 1, Precision.FP32).get("flop_per_image").asDouble();
        JsonNode report = run(Mode.TRAIN, 1, Precision.FP32);
        assertThat(report.get("parts_ms").fieldNames()).toIterable()
                .containsExactly("pixels", "backbone", "fpn", "heads", "loss", "backward", "optimizer");
        assertThat(report.get("flop_per_image").asDouble() / forward).isBetween(2.5, 3.0);
    }

    @Test
    void whatCannotBeMeasuredIsRefused() {
        assertThatThrownBy(() -> run(Mode.INFER, 1, Precision.BF16)).isInstanceOf(BadInput.class)
                .hasMessageContaining("--precision bf16: cpu (1 thread").hasMessageContaining("computes in fp32 only");
        assertThatThrownBy(() -> run(Mode.INFER, 0, Precision.FP32)).isInstanceOf(BadInput.class).hasMessageContaining("--batch 0");
    }

    @Test
    void countsTwoForEveryFactorPair() {
        try (FlopCounter counter = new FlopCounter(new CpuDevice(1, -1)); Scope scope = new Scope(counter)) {
            Tensor a = scope.empty(Shape.of(3, 5));
            Tensor b = scope.empty(Shape.of(5, 7));
            counter.gemm(Gemm.dense(false, false, 3, 7, 5, a, b, scope.empty(Shape.of(3, 7))));
            assertThat(counter.flop()).isEqualTo(2 * 3 * 7 * 5);
            Convolution s = new Convolution(2, 5, 6, 3, 4, 3, 3, 2, 1, DType.F32);
            Tensor x = scope.empty(Shape.of(2, 5, 6, 3));
            Tensor w = scope.empty(Shape.of(4, 3, 3, 3));
            Tensor y = scope.empty(Shape.of(2, 3, 3, 4));
            counter.convolution(s, x, w, Epilogue.NONE, y);
            counter.convolutionBackwardData(s, y, w, x);
            counter.convolutionBackwardWeight(s, x, y, w);
            assertThat(counter.flop()).isEqualTo(2 * 3 * 7 * 5 + 3 * 2.0 * (2 * 3 * 3 * 4) * (3 * 3 * 3));
        }
    }

    @Test
    void probesTheRateOfProducts() {
        try (Device cpu = new CpuDevice(1, -1)) {
            assertThat(PeakProbe.flops(cpu, DType.F32, 0)).isGreaterThan(1e9);
            assertThat(cpu.memory().inUse()).isZero();
        }
    }

    @Test
    void percentilesAreValuesThatWereSeen() {
        List<Double> hundred = java.util.stream.IntStream.rangeClosed(1, 100).mapToObj(i -> (double) (101 - i)).toList();
        assertThat(Bench.percentile(hundred, 50)).isEqualTo(50);
        assertThat(Bench.percentile(hundred, 99)).isCloseTo(99, within(0.0));
        assertThat(Bench.percentile(List.of(3.0), 90)).isEqualTo(3);
    }
}
