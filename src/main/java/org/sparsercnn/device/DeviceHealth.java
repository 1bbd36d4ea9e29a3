package org.sparsercnn.device;

import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What a device's sensors say at this moment; a value that cannot be read is empty.
 *
 * @param device for people: "cuda:0 (NVIDIA H200, …)"
 * @param powerWatts drawn now, of {@code powerLimitWatts} that it may draw
 * @param clockMHz of the multiprocessors now, of {@code maxClockMHz}
 * @param celsius of the chip
 * @param slowed why it works slower than it could, for want of power or cooling
 * @param memoryUsed bytes, those of other processes included
 * @param eccErrors errors of its memory that could not be corrected, since the driver was loaded
 * @param readings all of it for people: "412 of 700 W, SM 1755 of 1980 MHz, 64 °C"
 */
public record DeviceHealth(String device, OptionalDouble powerWatts, OptionalDouble powerLimitWatts, OptionalInt clockMHz,
                           OptionalInt maxClockMHz, OptionalInt celsius, Set<Slowed> slowed, OptionalLong memoryUsed,
                           OptionalLong memoryTotal, OptionalLong eccErrors, String readings) {
    /** What a device may lack. */
    public enum Slowed {
        /** It draws all it may. */
        POWER_LIMIT,
        /** Less power arrives than it asks for. */
        POWER_SUPPLY,
        /** It is as hot as it may be. */
        HEAT,
        /** The hardware itself steps in, for heat or a power fault: clocks are halved or worse. */
        HARDWARE
    }

    @Override
    public String toString() {
        return device + ": " + readings;
    }
}
