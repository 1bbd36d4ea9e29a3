package org.sparsercnn.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import org.sparsercnn.app.PeakProbe;
import org.sparsercnn.app.Workload;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.cpu.CpuDevice;
import org.sparsercnn.util.Json;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times whole passes through a model with random weights: 8-bit pixels in, raw logits and boxes out ({@code infer}), or losses and
 * updated weights ({@code train}). Its peer, {@code benchmarks/peer/bench_torch.py}, gets pixels that are normalised already. Prints
 * one line of JSON; {@code benchmarks/compare.py} runs both.
 *
 * <p>{@code --mode probe} measures what the machine gives at this moment: the rate of large matrix products.
 */
@Command(name = "EndToEnd", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Times inference or training steps of a model with random weights.")
public final class EndToEnd implements Callable<Integer> {
    enum Mode { infer, train, probe }

    private static final double PROBE_SECONDS = 0.1;

    @Option(names = "--mode", defaultValue = "infer", description = "${COMPLETION-CANDIDATES}")
    private Mode mode;

    @Option(names = "--config", defaultValue = "configs/sparsercnn.res50.100pro.3x.yaml", description = "default: ${DEFAULT-VALUE}")
    private Path config;

    @Option(names = "--batch", defaultValue = "1")
    private int batch;

    @Option(names = "--size", defaultValue = "480x640", description = "HxW, both multiples of 32")
    private String size;

    @Option(names = "--boxes", defaultValue = "7", description = "objects in each image (COCO's mean is 7.3)")
    private int boxes;

    @Option(names = "--threads", defaultValue = "2")
    private int threads;

    @Option(names = "--warmup", defaultValue = "3")
    private int warmup;

    @Option(names = "--repeat", defaultValue = "10")
    private int repeat;

    @Option(names = "--profile", description = "print where the time of the repeated passes goes, op by op")
    private boolean profile;

    @Option(names = "--opts", arity = "1..*", description = "KEY VALUE pairs that override the config")
    private List<String> overrides = List.of();

    public static void main(String[] args) {
        System.exit(new CommandLine(new EndToEnd()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        try (Device cpu = new CpuDevice(threads, 0)) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("engine", "sparse-rcnn");
            line.put("device", cpu.name());
            line.put("mode", mode.name());
            if (mode == Mode.probe) {
                line.put("gflops", round(PeakProbe.flops(cpu, DType.F32, PROBE_SECONDS) * 1e-9));
            } else {
                run(cpu, line);
            }
            System.out.println(Json.MAPPER.writeValueAsString(line));
        }
        return 0;
    }

    private void run(Device cpu, Map<String, Object> line) throws Exception {
        int height = Integer.parseInt(size.split("x")[0]);
        int width = Integer.parseInt(size.split("x")[1]);
        ProfilingDevice profiler = profile ? new ProfilingDevice(cpu, clock()) : null;
        List<Double> millis = new ArrayList<>();
        double loss = 0;
        long cpuBegin = 0;
        try (Workload workload = new Workload(profile ? profiler : cpu, Config.load(config, overrides), batch, height, width, boxes, 0)) {
            for (int i = -warmup; i < repeat; i++) {
                if (i == 0) {
                    cpuBegin = processCpuNanos();
                    if (profile) {
                        profiler.reset();
                    }
                }
                long begin = System.nanoTime();
                if (mode == Mode.infer) {
                    workload.infer();
                } else {
                    loss = workload.train().await().total();
                }
                if (i >= 0) {
                    millis.add((System.nanoTime() - begin) * 1e-6);
                }
            }
        }
        double cpuMs = (processCpuNanos() - cpuBegin) * 1e-6 / repeat;
        if (profile) {
            System.err.print(profiler.table(millis.stream().mapToDouble(Double::doubleValue).sum(), repeat));
        }
        line.put("batch", batch);
        line.put("size", size);
        line.put("threads", threads);
        line.put("median_ms", round(millis.stream().sorted().toList().get(millis.size() / 2)));
        line.put("min_ms", round(millis.stream().min(Double::compare).orElseThrow()));
        line.put("cpu_ms", round(cpuMs));
        line.put("times_ms", millis.stream().map(EndToEnd::round).toList());
        if (mode == Mode.train) {
            line.put("loss", loss);
        }
        line.put("device_peak_mb", cpu.memory().peak() >> 20);
        line.put("peak_resident_mb", peakResidentMb());
    }

    /** The processor time of the calling thread where it does all the work: other load on the machine does not enter into it. */
    private LongSupplier clock() {
        ThreadMXBean bean = ManagementFactory.getThreadMXBean();
        return threads == 1 ? bean::getCurrentThreadCpuTime : System::nanoTime;
    }

    static long processCpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** VmHWM of this process. */
    static long peakResidentMb() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("VmHWM")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
    }

    private static double round(double x) {
        return Double.parseDouble(String.format(Locale.ROOT, "%.2f", x));
    }
}
