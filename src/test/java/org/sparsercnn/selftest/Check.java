package org.sparsercnn.selftest;

import org.sparsercnn.device.Device;

/** One thing that a device is checked for. */
public interface Check {
    /** Says why there is nothing to check here. */
    final class Skipped extends RuntimeException {
        public Skipped(String reason) {
            super(reason);
        }
    }

    /** What {@code --only} is matched against: "ops RoiAlign". */
    String title();

    /** Whether there is anything to check in this mode. */
    default boolean appliesTo(Mode mode) {
        return true;
    }

    /** Runs on {@code device}, which gets back all memory, and adds what it finds to {@code worst}. */
    void run(Device device, Mode mode, Worst worst);
}
