package org.sparsercnn.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.app.Doctor.Finding;
import org.sparsercnn.ffi.CpuFeatures;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** What a run was started with and on, for whoever reads its log later; detectron2's collect_env. */
final class EnvironmentReport {
    /** In OUTPUT_DIR: topic to text. */
    static final String FILE = "environment.json";
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.run");
    /** Variables that change what a run does or finds. */
    private static final List<String> VARIABLES = List.of("DETECTRON2_DATASETS", "FVCORE_CACHE", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "CUDA_PATH",
            "LD_LIBRARY_PATH", "NVIDIA_TF32_OVERRIDE", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS");

    private final Environment environment;
    private final List<Finding> gpu;

    EnvironmentReport(Environment environment) {
        this.environment = environment;
        this.gpu = new GpuDoctor("auto").facts().stream().filter(f -> !f.text().startsWith("not found")).toList();
    }

    /** The program's version, from the jar's manifest. */
    static Optional<String> version() {
        return Optional.ofNullable(EnvironmentReport.class.getPackage().getImplementationVersion());
    }

    /** In short on the screen, in full in the file alone. */
    void log(LogFile file) {
        LOG.info("Environment: {}", brief());
        file.info("Environment info:\n" + full());
    }

    /** A line: what matters for speed and for reports of defects. */
    String brief() {
        Machine machine = Machine.ofThisProcess();
        List<String> parts = new ArrayList<>(List.of("sparse-rcnn " + version().orElse("from a folder of classes"), "Java " + Runtime.version(),
                system(), processor(), machine.cpus(), machine.memory()));
        List<String> gpus = gpu.stream().filter(f -> f.topic().startsWith("cuda:")).map(f -> f.text().split(";")[0]).toList();
        parts.addAll(gpus.isEmpty() ? List.of("no GPU") : gpus);
        return String.join("; ", parts);
    }

    private static String system() {
        return System.getProperty("os.name") + " " + System.getProperty("os.version");
    }

    private static String processor() {
        try {
            return CpuFeatures.ofThisMachine().model();
        } catch (BadInput e) { // no /proc: said by the CPU device if it is wanted
            return System.getProperty("os.arch");
        }
    }

    /** Leaves everything in {@code folder}/{@value #FILE}. */
    void write(Path folder) {
        Map<String, String> topics = new LinkedHashMap<>();
        rows().forEach(row -> topics.put(row.topic(), row.text()));
        Json.write(folder.resolve(FILE), topics);
    }

    /** A table of everything, a topic a line. */
    String full() {
        List<Finding> rows = rows();
        int width = rows.stream().mapToInt(row -> row.topic().length()).max().orElse(0);
        return rows.stream().map(row -> String.format(Locale.ROOT, "%-" + width + "s  %s", row.topic(), row.text().replace("\n", "\n" + " ".repeat(width + 2))))
                .collect(Collectors.joining("\n"));
    }

    private List<Finding> rows() {
        List<Finding> rows = new ArrayList<>();
        rows.add(Finding.fact("program", "sparse-rcnn " + version().orElse("from a folder of classes")));
        ProcessHandle.Info process = ProcessHandle.current().info();
        rows.add(Finding.fact("command", process.commandLine().orElse(System.getProperty("sun.java.command", "unknown"))));
        rows.add(Finding.fact("folder", Path.of("").toAbsolutePath() + ", process " + ProcessHandle.current().pid()
                + process.user().map(user -> " of " + user).orElse("")));
        for (String name : VARIABLES) {
            Optional.ofNullable(environment.variables().get(name)).ifPresent(value -> rows.add(Finding.fact(name, value)));
        }
        rows.add(Finding.fact("data sets", "in " + environment.datasetRoot().toAbsolutePath()));
        System.getProperties().stringPropertyNames().stream().filter(name -> name.startsWith("sparsercnn.")).sorted()
                .forEach(name -> rows.add(Finding.fact("-D" + name, System.getProperty(name))));
        rows.addAll(Doctor.machine());
        rows.addAll(gpu);
        return rows;
    }
}
