package org.sparsercnn.ffi.cuda;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What NVML tells about a GPU at one moment. A card or a container may refuse any reading.
 *
 * @param milliwatts drawn, of {@code limitMilliwatts} that are allowed
 * @param smMhz clock of the multiprocessors, of {@code smMaxMhz}; likewise of the memory
 * @param slowed why the clocks are lower than they could be
 * @param eccUncorrected errors of memory that could not be corrected since the driver was loaded
 * @param lost whether the GPU has gone: fallen off the bus, or in need of a reset
 */
public record GpuState(OptionalInt milliwatts, OptionalInt limitMilliwatts, OptionalInt smMhz, OptionalInt smMaxMhz,
                       OptionalInt memoryMhz, OptionalInt memoryMaxMhz, OptionalInt celsius, Set<Slowed> slowed,
                       OptionalLong memoryUsed, OptionalLong memoryTotal, OptionalLong eccUncorrected, boolean lost) {
    /** NVML's "clocks event reasons" (nvml.h), in the order of their bits. */
    public enum Slowed {
        IDLE("idle", false),
        CHOSEN_CLOCKS("clocks set by hand", false),
        POWER_CAP("power limit", true),
        HARDWARE("hardware slowdown (heat or power supply)", true),
        SYNC_BOOST("kept in step with another GPU", false),
        HEAT("heat", true),
        HARDWARE_HEAT("heat, by the hardware", true),
        POWER_BRAKE("power brake: the power supply cannot give more", true),
        DISPLAY("display clocks", false);

        private final String words;
        private final boolean harmful;

        Slowed(String words, boolean harmful) {
            this.words = words;
            this.harmful = harmful;
        }

        /** Whether work runs slower for want of power or cooling. */
        public boolean harmful() {
            return harmful;
        }

        @Override
        public String toString() {
            return words;
        }

        static Set<Slowed> ofBits(long bits) {
            Set<Slowed> reasons = EnumSet.noneOf(Slowed.class);
            for (Slowed reason : values()) {
                if ((bits >> reason.ordinal() & 1) != 0) reasons.add(reason);
            }
            return reasons;
        }
    }

    /** Reasons that slow work down for want of power or cooling. */
    public Set<Slowed> harmed() {
        return slowed.stream().filter(Slowed::harmful).collect(Collectors.toCollection(() -> EnumSet.noneOf(Slowed.class)));
    }

    /** For the log: "412 of 700 W, SM 1755 of 1980 MHz, memory 3201 of 3201 MHz, 64 °C, 12.0 of 141.0 GiB, slowed by power limit". */
    @Override
    public String toString() {
        if (lost) return "the GPU is lost";
        List<String> parts = new ArrayList<>();
        if (milliwatts.isPresent()) parts.add(of(milliwatts.getAsInt() / 1000, OptionalInt.of(limitMilliwatts.orElse(0) / 1000)) + " W");
        if (smMhz.isPresent()) parts.add("SM " + of(smMhz.getAsInt(), smMaxMhz) + " MHz");
        if (memoryMhz.isPresent()) parts.add("memory " + of(memoryMhz.getAsInt(), memoryMaxMhz) + " MHz");
        if (celsius.isPresent()) parts.add(celsius.getAsInt() + " °C");
        if (memoryUsed.isPresent() && memoryTotal.isPresent()) {
            parts.add(String.format(Locale.ROOT, "%.1f of %.1f GiB", memoryUsed.getAsLong() / 0x1p30, memoryTotal.getAsLong() / 0x1p30));
        }
        if (!harmed().isEmpty()) parts.add("slowed by " + harmed().stream().map(Slowed::toString).collect(Collectors.joining(", ")));
        if (eccUncorrected.orElse(0) > 0) parts.add(eccUncorrected.getAsLong() + " uncorrected memory errors");
        return parts.isEmpty() ? "no readings" : String.join(", ", parts);
    }

    private static String of(int value, OptionalInt most) {
        return most.orElse(0) == 0 ? String.valueOf(value) : value + " of " + most.getAsInt();
    }
}
