package org.sparsercnn.app;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.ffi.CpuFeatures;
import org.sparsercnn.train.PendingStep;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** {@code bench}: how fast a model runs or trains on a device, where the time goes, and how near that is to what the device can do. */
public final class Bench {
    /** What is timed. */
    public enum Mode { INFER, TRAIN }

    /** In what the device computes. */
    public enum Precision { FP32, TF32, BF16 }

    /**
     * @param seconds to measure for, at least one pass
     * @param json report for machines
     */
    public record Options(DeviceChoice device, Mode mode, int batch, int height, int width, Precision precision, double seconds,
                          Optional<Path> json) {}

    /** The second pass of a size is recorded, so the third is the first like all others. */
    private static final int WARM_UP = 3;
    /** Training steps that may be queued, as the trainer does. */
    private static final int AHEAD = 2;
    private static final int PART_PASSES = 3;
    /** COCO's mean is 7.3. */
    private static final int OBJECTS = 7;
    private static final double PROBE_SECONDS = 1;

    private final Options options;
    private final Config config;
    private final Device device;
    private final Map<String, Object> report = new LinkedHashMap<>();

    private Bench(Options options, Config config, Device device) {
        this.options = options;
        this.config = config;
        this.device = device;
    }

    /** Measures, prints, and writes the report where one is wanted. */
    public static void run(Config given, Options options, PrintStream out) {
        if (options.batch < 1 || options.height < 1 || options.width < 1 || !(options.seconds > 0)) {
            throw BadInput.of("--batch %d --height %d --width %d --seconds %s: all must be positive", options.batch, options.height, options.width,
                    options.seconds);
        }
        Config config = given.with("MODEL.WEIGHTS", "", "FLOAT32_PRECISION", options.precision == Precision.TF32 ? "high" : "highest",
                "SOLVER.AMP.ENABLED", options.precision == Precision.BF16 ? "True" : "False");
        options.device.check(config, 1);
        try (Device device = options.device.open(config, 0, 1)) {
            if (options.precision != Precision.FP32 && !device.computesIn(DType.BF16)) {
                throw BadInput.of("--precision %s: %s computes in fp32 only", lower(options.precision), device.name());
            }
            Bench bench = new Bench(options, config, device);
            bench.measure();
            bench.print(out);
            options.json.ifPresent(file -> Json.write(file, bench.report));
        }
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private void measure() {
        report.put("time", Instant.now().toString());
        report.put("device", device.name());
        report.put("mode", lower(options.mode));
        report.put("batch", options.batch);
        report.put("height", options.height);
        report.put("width", options.width);
        report.put("precision", lower(options.precision));
        report.put("graph", options.device.recording());
        report.put("deterministic", options.device.deterministic());
        try (Workload workload = workload(device)) {
            report.put("parameters", workload.parameters());
            throughput(workload);
            report.put("peak_device_bytes", device.memory().peak()); // before other passes ask for more
            report.put("peak_resident_bytes", peakResident());
            device.health().ifPresent(h -> report.put("device_state", h.toString())); // while it is warm
            parts(workload);
        }
        roofline();
        report.put("environment", environment());
    }

    private Workload workload(Device on) {
        return new Workload(on, config, options.batch, options.height, options.width, OBJECTS, options.device.recording() ? 1 : 0);
    }

    private void throughput(Workload workload) {
        Runnable pass = options.mode == Mode.INFER ? workload::infer : new Queue(workload);
        for (int i = 0; i < WARM_UP; i++) {
            pass.run();
        }
        device.synchronize();
        List<Double> millis = new ArrayList<>();
        long begin = System.nanoTime();
        long last = begin;
        while (millis.isEmpty() || (last - begin) * 1e-9 < options.seconds) {
            pass.run();
            long now = System.nanoTime();
            millis.add((now - last) * 1e-6);
            last = now;
        }
        device.synchronize();
        double seconds = (System.nanoTime() - begin) * 1e-9;
        if (pass instanceof Queue queue) {
            queue.drain();
        }
        report.put("passes", millis.size());
        report.put("seconds", seconds);
        report.put("images_per_second", options.batch * millis.size() / seconds);
        Map<String, Double> latency = new LinkedHashMap<>();
        for (int p : new int[] {50, 90, 99}) {
            latency.put("p" + p, percentile(millis, p));
        }
        report.put("latency_ms", latency);
    }

    /** Training steps, of which a few are queued ahead: each call queues one and waits for an earlier one. */
    private static final class Queue implements Runnable {
        private final Workload workload;
        private final Deque<PendingStep> pending = new ArrayDeque<>();

        Queue(Workload workload) {
            this.workload = workload;
        }

        @Override
        public void run() {
            pending.add(workload.train());
            while (pending.size() > AHEAD) {
                pending.poll().await();
            }
        }

        void drain() {
            while (!pending.isEmpty()) {
                pending.poll().await();
            }
        }
    }

    /** By nearest rank. */
    static double percentile(List<Double> values, int percent) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get((int) Math.max(0, Math.ceil(percent / 100.0 * sorted.size()) - 1));
    }

    /** Milliseconds of each part of a pass when each is waited for: medians of some passes, launch by launch. */
    private void parts(Workload workload) {
        Map<String, List<Double>> times = new LinkedHashMap<>();
        for (int i = 0; i < PART_PASSES; i++) {
            device.synchronize();
            long[] last = {System.nanoTime()};
            workload.run(options.mode, part -> {
                device.synchronize();
                long now = System.nanoTime();
                times.computeIfAbsent(part, _ -> new ArrayList<>()).add((now - last[0]) * 1e-6);
                last[0] = now;
            });
        }
        Map<String, Double> medians = new LinkedHashMap<>();
        times.forEach((part, ms) -> medians.put(part, percentile(ms, 50)));
        report.put("parts_ms", medians);
    }

    private void roofline() {
        FlopCounter counter = new FlopCounter(device);
        double flop;
        try (Workload workload = workload(counter)) {
            if (options.mode == Mode.TRAIN) {
                workload.train().await();
            } else {
                workload.infer();
            }
            flop = counter.flop() / options.batch;
        }
        double peak = PeakProbe.flops(device, options.precision == Precision.BF16 ? DType.BF16 : DType.F32, PROBE_SECONDS);
        double rate = flop * (double) report.get("images_per_second");
        report.put("flop_per_image", flop);
        report.put("flops", rate);
        report.put("peak_flops", peak);
        report.put("roofline_share", rate / peak);
    }

    private static Map<String, Object> environment() {
        Map<String, Object> e = new LinkedHashMap<>();
        e.put("java", Runtime.version().toString());
        e.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        e.put("processor", CpuFeatures.ofThisMachine().model());
        e.put("cpus", Runtime.getRuntime().availableProcessors());
        e.put("version", EnvironmentReport.version().orElse("from a folder of classes"));
        return e;
    }

    /** VmHWM of this process. */
    private static long peakResident() {
        try {
            String line = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("VmHWM")).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        } catch (IOException e) {
            throw BadInput.of("/proc/self/status cannot be read: %s; bench needs Linux", e.getMessage());
        }
    }

    @SuppressWarnings("unchecked")
    private void print(PrintStream out) {
        out.printf(Locale.ROOT, "device      %s%n", report.get("device"));
        out.printf(Locale.ROOT, "work        %s, batch %d, %dx%d, %s, graphs %s, %.1f M parameters%n", report.get("mode"), options.batch, options.height,
                options.width, report.get("precision"), options.device.recording() ? "on" : "off", (long) report.get("parameters") / 1e6);
        out.printf(Locale.ROOT, "throughput  %.2f images/s (%d passes in %.1f s)%n", report.get("images_per_second"), report.get("passes"),
                report.get("seconds"));
        Map<String, Double> latency = (Map<String, Double>) report.get("latency_ms");
        out.println("latency     " + latency.entrySet().stream().map(e -> String.format(Locale.ROOT, "%s %.2f ms", e.getKey(), e.getValue()))
                .collect(Collectors.joining(", ")));
        out.printf(Locale.ROOT, "memory      %,d MB of the device at the worst moment, %,d MB resident%n", (long) report.get("peak_device_bytes") >> 20,
                (long) report.get("peak_resident_bytes") >> 20);
        Map<String, Double> parts = (Map<String, Double>) report.get("parts_ms");
        out.println("parts       " + parts.entrySet().stream().map(e -> String.format(Locale.ROOT, "%s %.2f ms", e.getKey(), e.getValue()))
                .collect(Collectors.joining(", ")) + " (each waited for, no graphs)");
        out.printf(Locale.ROOT, "roofline    %.1f GFLOP an image; %.3f of %.3f TFLOP/s measured with large products: %.0f %%%n",
                (double) report.get("flop_per_image") / 1e9, (double) report.get("flops") / 1e12, (double) report.get("peak_flops") / 1e12,
                100 * (double) report.get("roofline_share"));
    }
}
