package org.sparsercnn.device;

import java.util.List;
import java.util.Optional;

/**
 * What a device's sensors say at this moment; a value that cannot be read is empty.
 *
 * @param device for people: "cuda:0 NVIDIA H200"
 * @param powerWatts drawn now, {@code powerLimitWatts} the most it may draw
 * @param clockMHz of the multiprocessors now, {@code maxClockMHz} the most they can run at
 * @param celsius of the chip
 * @param throttle why it runs slower than it could
 * @param memoryUsed bytes, those of other processes included
 * @param eccErrors memory errors that could not be corrected, since the driver was loaded
 * @param xid the last error the driver reported about this device, as its number in the kernel's log
 */
public record DeviceHealth(String device, Optional<Double> powerWatts, Optional<Double> powerLimitWatts, Optional<Integer> clockMHz,
                           Optional<Integer> maxClockMHz, Optional<Integer> celsius, List<Throttle> throttle, Optional<Long> memoryUsed,
                           Optional<Long> memoryTotal, Optional<Long> eccErrors, Optional<Integer> xid) {
    /** Reasons to run slower than the chip could. */
    public enum Throttle {
        /** The power limit is reached. */
        POWER_LIMIT,
        /** The board or the power supply asks for less: too little power arrives. */
        POWER_BRAKE,
        /** Too hot, in the driver's judgement. */
        HEAT,
        /** Too hot, or a power fault, in the hardware's own judgement: clocks are halved or worse. */
        HARDWARE,
        /** A person set lower clocks, or another GPU sets the pace of a group. */
        SETTING
    }
}
