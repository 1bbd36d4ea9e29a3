package org.sparsercnn.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * What Linux gives this process of the machine.
 *
 * @param root where {@code proc} and {@code sys} are
 */
record Machine(Path root) {
    private static final double GIB = 0x1p30;

    static Machine ofThisProcess() {
        return new Machine(Path.of("/"));
    }

    /** "2 CPUs for this process, 0-1 of 4": a container or taskset may leave it less than there is. */
    String cpus() {
        int usable = Runtime.getRuntime().availableProcessors();
        long all = cpuCount();
        String which = value("proc/self/status", "Cpus_allowed_list").map(list -> ", " + list + " of " + all).orElse("");
        return usable + (usable == 1 ? " CPU" : " CPUs") + " for this process" + which;
    }

    /** Of the machine, whatever this process may use. */
    long cpuCount() {
        return lines("proc/cpuinfo").filter(line -> line.startsWith("processor")).count();
    }

    /** "23.5 GiB, 21.4 free; this process may use 8.0": the limit where a container has one. */
    String memory() {
        OptionalLong total = kilobytes("MemTotal");
        if (total.isEmpty()) {
            return "unknown";
        }
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%.1f GiB", total.getAsLong() / GIB));
        kilobytes("MemAvailable").ifPresent(free -> text.append(String.format(Locale.ROOT, ", %.1f free", free / GIB)));
        limit().stream().filter(limit -> limit < total.getAsLong())
                .forEach(limit -> text.append(String.format(Locale.ROOT, "; this process may use %.1f", limit / GIB)));
        return text.toString();
    }

    private OptionalLong kilobytes(String key) {
        return number(value("proc/meminfo", key).map(v -> v.replace(" kB", "")), 1024);
    }

    /** Of the control group, version 2 or 1, as a container sees it. */
    private OptionalLong limit() {
        OptionalLong v2 = number(lines("sys/fs/cgroup/memory.max").findFirst(), 1);
        return v2.isPresent() ? v2 : number(lines("sys/fs/cgroup/memory/memory.limit_in_bytes").findFirst(), 1);
    }

    private static OptionalLong number(Optional<String> text, long unit) {
        return text.filter(t -> t.matches("\\d{1,15}")).map(t -> OptionalLong.of(Long.parseLong(t) * unit)).orElse(OptionalLong.empty());
    }

    private Optional<String> value(String file, String key) {
        return lines(file).filter(line -> line.startsWith(key + ":")).findFirst().map(line -> line.substring(key.length() + 1).strip());
    }

    private Stream<String> lines(String file) {
        try {
            return Files.readAllLines(root.resolve(file)).stream();
        } catch (IOException e) { // not there, or not ours to read
            return Stream.empty();
        }
    }
}
