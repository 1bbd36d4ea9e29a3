package org.sparsercnn.app;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.ffi.NativeLibraries;
import org.sparsercnn.util.BadInput;

/** What this machine offers and what is wrong with it; problems first. */
public final class Doctor {
    private Doctor() {}

    /** @return whether the program can work here */
    public static boolean run(PrintStream out) {
        List<String> problems = new ArrayList<>();
        List<String> facts = new ArrayList<>();
        Runtime runtime = Runtime.getRuntime();
        facts.add("java      " + Runtime.version() + ", " + System.getProperty("java.home"));
        facts.add("system    " + System.getProperty("os.name") + " " + System.getProperty("os.version") + ", " + System.getProperty("os.arch"));
        facts.add(String.format(Locale.ROOT, "processor %d CPUs for this process; Java heap up to %,d MB", runtime.availableProcessors(), runtime.maxMemory() >> 20));
        try {
            facts.add("kernels   " + NativeLibraries.isa() + ", " + NativeLibraries.locate("sparsercnn"));
            facts.add("openblas  " + NativeLibraries.locate("openblas"));
            try (CpuDevice device = new CpuDevice(runtime.availableProcessors(), -1)) {
                facts.add("device    " + device.name());
            }
        } catch (BadInput e) {
            problems.add(e.getMessage());
        }
        facts.add("cuda      this version runs on the CPU only");
        for (String p : problems) {
            out.println("PROBLEM   " + p);
        }
        facts.forEach(out::println);
        out.println(problems.isEmpty() ? "ready" : problems.size() + " problem" + (problems.size() == 1 ? "" : "s"));
        return problems.isEmpty();
    }
}
