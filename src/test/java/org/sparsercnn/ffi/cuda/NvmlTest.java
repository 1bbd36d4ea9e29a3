package org.sparsercnn.ffi.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparsercnn.ffi.cuda.CudaLibraries.Library;
import org.sparsercnn.ffi.cuda.GpuState.Slowed;

class NvmlTest {
    private static final String ID = "0000:01:00.0";

    private StandInLibrary standIn;

    @BeforeEach
    void load() {
        standIn = StandInLibrary.of("libnvidia-ml.so.1", Library.NVML);
        answer("nvmlDeviceGetPowerUsage", 0, 412_345);
    }

    @AfterEach
    void forget() {
        standIn.call("standin_forget");
        standIn.close();
    }

    private void answer(String function, long code, long value) {
        standIn.call("standin_answer", function, code, value);
    }

    @Test
    void readsWhatTheCardTells() {
        answer("nvmlDeviceGetEnforcedPowerLimit", 0, 700_000);
        answer("nvmlDeviceGetClockInfo 1", 0, 1755);
        answer("nvmlDeviceGetMaxClockInfo 1", 0, 1980);
        answer("nvmlDeviceGetClockInfo 2", 0, 3201);
        answer("nvmlDeviceGetTemperature 0", 0, 64);
        answer("nvmlDeviceGetCurrentClocksThrottleReasons", 0, 0x4 | 0x80);
        answer("nvmlDeviceGetMemoryInfo", 0, 1 << 29);
        answer("nvmlDeviceGetTotalEccErrors 1 0", 0, 3);
        try (Nvml nvml = new Nvml()) {
            assertThat(nvml.driverVersion()).isEqualTo("580.65.06");
            GpuState state = nvml.state(ID);
            assertThat(state.milliwatts()).hasValue(412_345);
            assertThat(state.memoryMaxMhz()).as("not told").isEmpty();
            assertThat(state.memoryUsed()).hasValue(1 << 29);
            assertThat(state.memoryTotal()).hasValue(1 << 30);
            assertThat(state.eccUncorrected()).hasValue(3);
            assertThat(state.slowed()).containsExactly(Slowed.POWER_CAP, Slowed.POWER_BRAKE);
            assertThat(state).hasToString("412 of 700 W, SM 1755 of 1980 MHz, memory 3201 MHz, 64 °C, 0.5 of 1.0 GiB, "
                    + "slowed by power limit, power brake: the power supply cannot give more, 3 uncorrected memory errors");
        }
    }

    @Test
    void aCardMayRefuseEveryReading() {
        answer("nvmlDeviceGetPowerUsage", 3, 0);
        try (Nvml nvml = new Nvml()) {
            assertThat(nvml.state(ID)).hasToString("no readings").returns(false, GpuState::lost);
        }
    }

    @Test
    void saysThatACardIsLost() {
        answer("nvmlDeviceGetTemperature 0", 15, 0);
        try (Nvml nvml = new Nvml()) {
            assertThat(nvml.state(ID)).hasToString("the GPU is lost").returns(true, GpuState::lost);
        }
    }

    @Test
    void namesWhatFailed() {
        try (Nvml nvml = new Nvml()) {
            assertThatThrownBy(() -> nvml.state("0000:09:00.0")).isInstanceOf(CudaException.class).hasMessageContaining("NVML")
                    .hasMessageContaining("nvmlDeviceGetHandleByPciBusId_v2").hasMessageContaining("(6): Not Found");
        }
        standIn.call("standin_forget");
        assertThatThrownBy(Nvml::new).isInstanceOf(CudaException.class).hasMessageContaining("Driver Not Loaded");
    }

    @Test
    void decodesReasonsByTheirBits() {
        assertThat(Slowed.ofBits(0)).isEmpty();
        assertThat(Slowed.ofBits(0x1 | 0x20 | 0x40)).containsExactly(Slowed.IDLE, Slowed.HEAT, Slowed.HARDWARE_HEAT);
        assertThat(Slowed.ofBits(0x1ff)).isEqualTo(EnumSet.allOf(Slowed.class));
        assertThat(Slowed.ofBits(0x1ff).stream().filter(Slowed::harmful))
                .containsExactly(Slowed.POWER_CAP, Slowed.HARDWARE, Slowed.HEAT, Slowed.HARDWARE_HEAT, Slowed.POWER_BRAKE);
    }
}
