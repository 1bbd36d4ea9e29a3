package org.sparsercnn.app;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.ffi.CpuFeatures;
import org.sparsercnn.ffi.Libc;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.ffi.TurboJpeg;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** What this machine offers and what is wrong with it; problems first, each with its remedy. */
public final class Doctor {
    /**
     * @param device cpu, cuda, cuda:N or auto: without a GPU all is well unless one was asked for
     * @param json report for machines
     */
    public record Options(String device, Optional<Path> json) {}

    /**
     * Something that was looked at.
     *
     * @param topic "cuDNN"
     * @param problem whether it keeps the program from doing what was asked, the text then says what to do
     * @param details for machines
     */
    record Finding(String topic, boolean problem, String text, Map<String, Object> details) {
        static Finding fact(String topic, String text) {
            return new Finding(topic, false, text, Map.of());
        }

        static Finding problem(String topic, String text) {
            return new Finding(topic, true, text, Map.of());
        }

        Map<String, Object> json() {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("topic", topic);
            all.put("problem", problem);
            all.put("text", text);
            all.putAll(details);
            return all;
        }
    }

    private Doctor() {}

    /** @return whether the program can work here */
    public static boolean run(Options options, PrintStream out) {
        List<Finding> findings = new ArrayList<>(machine());
        findings.add(computing());
        findings.addAll(new GpuDoctor(options.device).findings());
        List<Finding> problems = findings.stream().filter(Finding::problem).toList();
        problems.forEach(p -> out.println(line("PROBLEM", p.topic + ": " + p.text)));
        findings.stream().filter(f -> !f.problem).forEach(f -> out.println(line(f.topic, f.text)));
        out.println(problems.isEmpty() ? "ready" : problems.size() + " problem" + (problems.size() == 1 ? "" : "s"));
        options.json.ifPresent(file -> {
            Map<String, Object> report = new LinkedHashMap<>();
            report.put("ready", problems.isEmpty());
            report.put("findings", findings.stream().map(Finding::json).toList());
            Json.write(file, report);
        });
        return problems.isEmpty();
    }

    private static String line(String topic, String text) {
        return String.format(Locale.ROOT, "%-11s %s", topic, text.replace("\n", "\n            "));
    }

    /** What is there, without trying it. */
    static List<Finding> machine() {
        List<Finding> findings = new ArrayList<>();
        Machine machine = Machine.ofThisProcess();
        findings.add(Finding.fact("java", String.format(Locale.ROOT, "%s, %s; heap up to %,d MB", Runtime.version(), System.getProperty("java.home"),
                Runtime.getRuntime().maxMemory() >> 20)));
        findings.add(Finding.fact("system", System.getProperty("os.name") + " " + System.getProperty("os.version") + ", " + System.getProperty("os.arch")
                + Libc.glibcVersion().map(v -> ", GLIBC " + v).orElse("")));
        findings.add(Finding.fact("memory", machine.memory()));
        try {
            findings.add(Finding.fact("processor", CpuFeatures.ofThisMachine().model() + "; " + machine.cpus()));
            findings.add(Finding.fact("kernels", NativeLibraries.isa() + ", " + NativeLibraries.locate("sparsercnn")));
            findings.add(Finding.fact("openblas", NativeLibraries.locate("openblas").toString()));
        } catch (BadInput e) {
            findings.add(Finding.problem("cpu", e.getMessage()));
        }
        findings.add(jpeg(TurboJpeg.ofThisMachine().isPresent()));
        return findings;
    }

    /** What loads and opens is more than what is there. */
    private static Finding computing() {
        try (CpuDevice device = new CpuDevice(Runtime.getRuntime().availableProcessors(), -1)) {
            return Finding.fact("device", device.name());
        } catch (BadInput e) {
            return Finding.problem("device", e.getMessage());
        }
    }

    /** Both decoders give the same pixels. */
    static Finding jpeg(boolean turbo) {
        return Finding.fact("jpeg", turbo ? "libjpeg-turbo, " + TurboJpeg.file()
                : "ImageIO, several times slower than libjpeg-turbo; to have that, install " + TurboJpeg.LIBRARY
                        + " (package libturbojpeg0 of Debian, libturbojpeg of Ubuntu, turbojpeg of Fedora and RHEL)");
    }
}
