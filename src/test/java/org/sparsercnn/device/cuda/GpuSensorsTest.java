package org.sparsercnn.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.sparsercnn.device.DeviceHealth;
import org.sparsercnn.device.DeviceHealth.Slowed;
import org.sparsercnn.ffi.cuda.GpuState;
import org.sparsercnn.util.BadInput;

class GpuSensorsTest {
    private static GpuState state(Set<GpuState.Slowed> slowed, boolean lost) {
        return new GpuState(OptionalInt.of(412_345), OptionalInt.of(700_000), OptionalInt.of(1755), OptionalInt.of(1980), OptionalInt.empty(),
                OptionalInt.empty(), OptionalInt.of(64), slowed, OptionalLong.of(5), OptionalLong.of(10), OptionalLong.of(1), lost);
    }

    @Test
    void tellsWhatNvmlTells() {
        DeviceHealth health = GpuSensors.health("cuda:0", state(EnumSet.of(GpuState.Slowed.POWER_CAP, GpuState.Slowed.HARDWARE_HEAT,
                GpuState.Slowed.CHOSEN_CLOCKS), false));
        assertThat(health.powerWatts()).hasValue(412.345);
        assertThat(health.clockMHz()).hasValue(1755);
        assertThat(health.slowed()).containsExactly(Slowed.POWER_LIMIT, Slowed.HEAT);
        assertThat(health.eccErrors()).hasValue(1);
        assertThat(health).hasToString("cuda:0: 412 of 700 W, SM 1755 of 1980 MHz, 64 °C, 0.0 of 0.0 GiB, slowed by power limit, heat, by the hardware,"
                + " 1 uncorrected memory errors");
    }

    /** Nothing that a person chose is a fault; every other reason of NVML's is one of ours. */
    @Test
    void everyReasonThatHarmsIsTold() {
        for (GpuState.Slowed reason : GpuState.Slowed.values()) {
            assertThat(GpuSensors.health("cuda:0", state(EnumSet.of(reason), false)).slowed()).as(reason.name()).hasSize(reason.harmful() ? 1 : 0);
        }
    }

    @Test
    void aLostGpuIsSaidInPlainWords() {
        assertThatThrownBy(() -> GpuSensors.health("cuda:0 (H200)", state(Set.of(), true))).isInstanceOf(BadInput.class)
                .hasMessageContaining("The GPU has gone: cuda:0 (H200)").hasMessageContaining("power supply").hasMessageContaining("--resume");
    }

    /** A driver that NVML does not know, as the null driver's, or no NVML at all. */
    @Test
    void withoutNvmlThereIsNothingToTell() {
        try (NullGpu gpu = NullGpu.of(NullDriver.Pace.AT_ONCE)) {
            assertThat(gpu.device.health()).isEmpty();
        }
    }
}
