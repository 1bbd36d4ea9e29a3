package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.ffi.cuda.StandIn;
import org.sparsercnn.ffi.TurboJpeg;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class DoctorTest {
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    @TempDir Path folder;

    private boolean run(String device) {
        return Doctor.run(new Doctor.Options(device, Optional.of(report())), new PrintStream(printed, true, StandardCharsets.UTF_8));
    }

    private Path report() {
        return folder.resolve("doctor.json");
    }

    private String text() {
        return printed.toString(StandardCharsets.UTF_8);
    }

    private JsonNode finding(String topic) {
        for (JsonNode finding : Json.read(report(), JsonNode.class).get("findings")) {
            if (finding.get("topic").asText().equals(topic)) {
                return finding;
            }
        }
        throw new AssertionError("no finding " + topic + " in " + text());
    }

    @Test
    void withoutAGpuAllIsWell() {
        assertThat(run("auto")).as(this::text).isTrue();
        assertThat(text()).doesNotContain("PROBLEM").contains("GPU         none: this machine computes on the CPU").endsWith("ready\n");
        assertThat(Json.read(report(), JsonNode.class).get("ready").asBoolean()).isTrue();
        assertThat(finding("device").get("text").asText()).startsWith("cpu (");
        assertThat(finding("jpeg").get("text").asText()).startsWith(TurboJpeg.ofThisMachine().isPresent() ? "libjpeg-turbo, /" : "ImageIO, ");
    }

    @Test
    void saysHowToDecodeFaster() {
        Doctor.Finding without = Doctor.jpeg(false);
        assertThat(without.problem()).isFalse();
        assertThat(without.text()).contains("ImageIO", "slower", "install libturbojpeg.so.0", "libturbojpeg0");
    }

    @Test
    void unlessOneWasAskedFor() {
        assertThat(run("cuda")).isFalse();
        assertThat(text()).startsWith("PROBLEM     GPU: ").containsPattern("\\d problems?\n$");
        assertThat(finding("GPU").get("problem").asBoolean()).isTrue();
        assertThatThrownBy(() -> run("gpu")).isInstanceOf(BadInput.class).hasMessageContaining("--device gpu: no such device");
    }

    @Test
    void namesEveryGpuAndLibrary() {
        try (StandIn _ = StandIn.of(2, 8L << 30)) {
            run("cuda:1");
            assertThat(finding("CUDA driver").get("version").asText()).isEqualTo("CUDA 13.0");
            assertThat(finding("cuda:1").get("compute_capability").asText()).isEqualTo("9.0");
            assertThat(finding("cuda:1").get("memory_bytes").asLong()).isEqualTo(8L << 30);
            assertThat(finding("cuDNN").get("file").asText()).endsWith("libcudnn.so.9");
        }
    }

    @Test
    void aGpuThatIsNotThereIsAProblem() {
        try (StandIn _ = StandIn.of(1, 8L << 30)) {
            assertThat(run("cuda:7")).isFalse();
            assertThat(text()).contains("PROBLEM     GPU: there is no cuda:7: 1 found");
        }
    }

    @Test
    void anOldDriverIsAProblemWithARemedy() {
        try (StandIn standIn = StandIn.of(1, 8L << 30)) {
            standIn.version(12040);
            assertThat(run("cuda")).isFalse();
            assertThat(text()).startsWith("PROBLEM     GPU: The NVIDIA driver supports CUDA 12.4").contains("install driver 580 or newer");
        }
    }
}
