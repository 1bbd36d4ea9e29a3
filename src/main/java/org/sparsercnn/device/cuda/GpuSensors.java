package org.sparsercnn.device.cuda;

import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.device.DeviceHealth;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.GpuState;
import org.sparsercnn.ffi.cuda.Nvml;
import org.sparsercnn.util.BadInput;

/** A GPU's sensors, read through NVML where it is there. */
final class GpuSensors implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GpuSensors.class);

    private final String device;
    private final String pciBusId;
    private Nvml nvml;
    private boolean absent;

    /** @param device for people */
    GpuSensors(String device, String pciBusId) {
        this.device = device;
        this.pciBusId = pciBusId;
    }

    /** @throws BadInput where the GPU is lost */
    Optional<DeviceHealth> read() {
        GpuState state = state();
        return state == null ? Optional.empty() : Optional.of(health(device, state));
    }

    private GpuState state() {
        if (absent) {
            return null;
        }
        try {
            nvml = nvml == null ? new Nvml() : nvml;
            return nvml.state(pciBusId);
        } catch (BadInput | CudaException e) { // a run needs no sensors
            LOG.debug("{}: no sensors: {}", device, e.getMessage());
            absent = true;
            return null;
        }
    }

    static DeviceHealth health(String device, GpuState state) {
        if (state.lost()) {
            throw BadInput.of("The GPU has gone: %s. It fell off the bus or must be reset; too small a power supply, a loose cable or heat are the"
                    + " usual reasons. `dmesg | grep -i xid` tells more. What was saved is safe: start again with --resume.", device);
        }
        return new DeviceHealth(device, watts(state.milliwatts()), watts(state.limitMilliwatts()), state.smMhz(), state.smMaxMhz(), state.celsius(),
                slowed(state), state.memoryUsed(), state.memoryTotal(), state.eccUncorrected(), state.toString());
    }

    private static OptionalDouble watts(OptionalInt milliwatts) {
        return milliwatts.isPresent() ? OptionalDouble.of(milliwatts.getAsInt() / 1000.0) : OptionalDouble.empty();
    }

    private static Set<DeviceHealth.Slowed> slowed(GpuState state) {
        Set<DeviceHealth.Slowed> reasons = EnumSet.noneOf(DeviceHealth.Slowed.class);
        for (GpuState.Slowed reason : state.slowed()) {
            switch (reason) {
                case POWER_CAP -> reasons.add(DeviceHealth.Slowed.POWER_LIMIT);
                case POWER_BRAKE -> reasons.add(DeviceHealth.Slowed.POWER_SUPPLY);
                case HEAT, HARDWARE_HEAT -> reasons.add(DeviceHealth.Slowed.HEAT);
                case HARDWARE -> reasons.add(DeviceHealth.Slowed.HARDWARE);
                case IDLE, CHOSEN_CLOCKS, SYNC_BOOST, DISPLAY -> { /* chosen, not suffered */ }
            }
        }
        return reasons;
    }

    @Override
    public void close() {
        absent = true;
        if (nvml != null) {
            nvml.close();
        }
    }
}
