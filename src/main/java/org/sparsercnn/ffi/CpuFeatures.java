package org.sparsercnn.ffi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.sparsercnn.util.BadInput;

/**
 * What this machine's processor can do, as Linux tells.
 *
 * @param model the processor's name
 * @param flags its features in the kernel's spelling, such as {@code avx2}
 */
public record CpuFeatures(String model, Set<String> flags) {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    /**
     * The instruction sets the CPU kernels are compiled for, best first: the levels of the x86-64 psABI without LZCNT, which kernels
     * have no use for and some virtual machines hide.
     */
    public enum Isa {
        V4("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"),
        V3("avx2", "bmi1", "bmi2", "f16c", "fma", "movbe");

        private final Set<String> needed;

        Isa(String... needed) {
            this.needed = Set.of(needed);
        }

        /** {@code v3} or {@code v4}, as in file names and in the property {@code sparsercnn.isa}. */
        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    public static CpuFeatures ofThisMachine() {
        try {
            return parse(Files.readAllLines(CPUINFO));
        } catch (IOException e) {
            throw new BadInput(CPUINFO + " cannot be read, so the processor's features are unknown; the CPU device needs Linux on x86-64", e);
        }
    }

    /** Reads the lines of /proc/cpuinfo; all processors are taken to be like the first. Virtual machines leave gaps between flags. */
    static CpuFeatures parse(List<String> cpuinfo) {
        return new CpuFeatures(value(cpuinfo, "model name"), Set.copyOf(List.of(value(cpuinfo, "flags").split("\\s+"))));
    }

    private static String value(List<String> cpuinfo, String key) {
        return cpuinfo.stream().filter(line -> line.startsWith(key)).findFirst()
                .map(line -> line.substring(line.indexOf(':') + 1).strip()).orElse("unknown");
    }

    /**
     * The best instruction set this processor has.
     *
     * @param wanted {@code v3} or {@code v4} to insist on one, or null
     * @throws BadInput where the processor has none, or not the wanted one: its name and what it lacks
     */
    public Isa isa(String wanted) {
        if (wanted == null) {
            for (Isa isa : Isa.values()) {
                if (flags.containsAll(isa.needed)) return isa;
            }
            throw lacks(Isa.V3, "use a processor of 2015 or later, or --device cuda");
        }
        for (Isa isa : Isa.values()) {
            if (!isa.toString().equals(wanted)) continue;
            if (flags.containsAll(isa.needed)) return isa;
            throw lacks(isa, "leave out -Dsparsercnn.isa");
        }
        throw BadInput.of("-Dsparsercnn.isa=%s: wanted v3 or v4", wanted);
    }

    private BadInput lacks(Isa isa, String remedy) {
        Set<String> missing = new TreeSet<>(isa.needed);
        missing.removeAll(flags);
        return BadInput.of("The processor (%s) lacks %s, which the CPU kernels for x86-64-%s need; %s",
                model, String.join(", ", missing), isa, remedy);
    }
}
