package org.sparsercnn.selftest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.ForwardingDevice;
import org.sparsercnn.device.Gemm;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.device.cuda.NullGpu;
import org.sparsercnn.testing.Bf16Device;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** The self-test finds the defects that a device may have, and none in one without. */
class SelfTestTest {
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    private int run(String only, SelfTest.Devices devices) {
        return run(only, 1000, null, devices);
    }

    private int run(String only, double limit, Path json, SelfTest.Devices devices) {
        return SelfTest.run(devices, new SelfTest.Options(Pattern.compile(only), limit, json), new PrintStream(printed, true, StandardCharsets.UTF_8));
    }

    private String text() {
        return printed.toString(StandardCharsets.UTF_8);
    }

    private static SelfTest.Devices cpu(UnaryOperator<Device> with) {
        return _ -> with.apply(new CpuDevice(2, -1));
    }

    /** A CPU that rounds as a GPU does: the bounds hold. */
    private static Device rounding(Mode mode) {
        Device cpu = new CpuDevice(2, -1);
        return switch (mode) {
            case FP32 -> cpu;
            case TF32 -> new Tf32Device(cpu);
            case BF16 -> new Bf16Device(cpu);
        };
    }

    @Test
    void opsAndProductsPassInEveryPrecision(@TempDir Path folder) {
        Path json = folder.resolve("report.json");
        assertThat(run("ops|products", 1000, json, SelfTestTest::rounding)).as(this::text).isZero();
        JsonNode rows = Json.read(json, JsonNode.class).get("rows");
        assertThat(rows.findValuesAsText("verdict")).containsOnly("ok");
        assertThat(rows.findValuesAsText("check")).contains("ops RoiAlign", "ops Conv2d", "products gemm");
        assertThat(rows.findValuesAsText("mode")).contains("fp32", "tf32", "bf16");
        assertThat(text()).contains("ops Relu").contains("no defect in " + rows.size() + " checks");
    }

    /** The CUDA device with no GPU behind it, which does what is queued as late as it may. */
    @Test
    void opsAndProductsPassOnTheCudaDevice() {
        assertThat(run("ops (Add|Conv2d|LayerNorm|Linear|Softmax)|products", _ -> NullGpu.lateDevice())).as(this::text).isZero();
        assertThat(text()).contains("Null GPU").contains("ops Conv2d").contains("bf16");
    }

    @Test
    void theTinyModelTrainsAsOnTheCpuInEveryPrecision() {
        assertThat(run("models tiny|training", mode -> mode == Mode.FP32 ? NullGpu.lateDevice() : rounding(mode))).as(this::text).isZero();
        assertThat(text()).contains("models tiny").contains("tf32").contains("bf16");
    }

    @Test
    void aDeviceWithoutBf16IsCheckedInFp32() {
        assertThat(run("ops Relu", cpu(cpu -> cpu))).as(this::text).isZero();
        assertThat(text()).contains("bf16: this device does not compute in it");
    }

    @Test
    void aProductThatIsSlightlyWrongIsFound() {
        assertThat(run("ops Linear|products gemm", cpu(cpu -> new ForwardingDevice(cpu) {
            @Override
            public void gemm(Gemm g) {
                super.gemm(g.scaled(g.alpha() * 1.001f));
            }
        }))).isEqualTo(1);
        assertThat(text()).contains("2 of 2 checks found a defect").containsPattern("y\\[\\d+]: off by");
    }

    @Test
    void aWriteBesideABufferIsFound() {
        assertThat(run("ops Relu", cpu(cpu -> new ForwardingDevice(cpu) {
            @Override
            public void copyIn(MemorySegment host, org.sparsercnn.device.Pointer to) {
                super.copyIn(host, to);
                if (host.byteSize() == 3 * 5 * 7 * 4) {
                    MemorySegment.ofAddress(to.address() + host.byteSize()).reinterpret(1).fill((byte) 1);
                }
            }
        }))).isEqualTo(1);
        assertThat(text()).contains("byte 420 of a buffer of 420 was written");
    }

    @Test
    void memoryThatIsNotGivenBackIsFound() {
        assertThat(run("products gemm", cpu(cpu -> new ForwardingDevice(cpu) {
            private int freed;

            @Override
            public void free(org.sparsercnn.device.Buffer buffer) {
                if (++freed != 3) {
                    super.free(buffer);
                }
            }
        }))).isEqualTo(1);
        assertThat(text()).contains("bytes still held");
    }

    @Test
    void aFailureEndsOneCheckOnly() {
        assertThat(run("products", cpu(cpu -> new ForwardingDevice(cpu) {
            @Override
            public void gemm(Gemm g) {
                throw new IllegalStateException("no products today");
            }
        }))).isEqualTo(1);
        assertThat(text()).contains("no products today").contains("1 of 4 checks found a defect");
    }

    @Test
    void theTimeLimitIsNoSuccess() {
        assertThat(run("products", -1, null, cpu(cpu -> cpu))).isEqualTo(3);
        assertThat(text()).contains("time is up: 4 of 4 checks were not reached");
    }

    @Test
    void onlyMustNameACheck() {
        assertThatThrownBy(() -> run("ops Nothing", cpu(cpu -> cpu))).isInstanceOf(BadInput.class).hasMessageContaining("ops RoiAlign");
        assertThat(SelfTest.run("cpu", "(", 1, null)).isEqualTo(2);
        assertThat(SelfTest.run("abacus", "ops Relu", 1, null)).isEqualTo(2);
        assertThat(SelfTest.run("cpu", "ops relu", 100, null)).isZero();
    }
}
