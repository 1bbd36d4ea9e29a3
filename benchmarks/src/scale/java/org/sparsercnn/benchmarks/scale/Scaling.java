package org.sparsercnn.benchmarks.scale;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.sparsercnn.config.Config;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Computes what training on many GPUs would do, by the formulas of {@link Plan}; {@code docs/scale.md} is made of its tables. */
@Command(name = "Scaling", mixinStandardHelpOptions = true, sortOptions = false, showDefaultValues = true,
        description = "What data-parallel training would do on many GPUs: a model of its time, not a measurement.")
public final class Scaling implements Callable<Integer> {
    enum Table { scaling, layers, order, remedies, buckets, compute, schedule, memory }

    enum Values {
        fp32(4), bf16(2);

        private final int bytes;

        Values(int bytes) {
            this.bytes = bytes;
        }
    }

    /** An H200's memory, bytes per second (NVIDIA's data sheet). */
    private static final double MEMORY_BYTES_PER_SECOND = 4.8e12;
    /** AdamW reads weight, gradient and two moments and writes all but the gradient; clipping reads the gradient once more. */
    private static final double PASSES_OF_THE_UPDATE = 8;
    /** {GPUs, images each}: the published batch of 16 as far as it goes, then two images a GPU. */
    private static final int[][] SCHEDULES = {{1, 16}, {8, 2}, {16, 1}, {64, 2}, {1024, 2}};

    @Spec private CommandSpec spec;

    @Option(names = "--table", defaultValue = "scaling", description = "${COMPLETION-CANDIDATES}")
    private Table table;

    @Option(names = "--config-file", defaultValue = "configs/sparsercnn.res50.100pro.3x.yaml")
    private Path config;

    @Option(names = "--size", defaultValue = "800x1344", description = "HxW of the images, multiples of 32")
    private String size;

    @Option(names = "--gpus", split = ",", defaultValue = "1,2,4,8,16,32,64,128,256,512,1024")
    private int[] gpus;

    @Option(names = "--batch", defaultValue = "2", description = "images of a GPU")
    private int batch;

    @Option(names = "--link", defaultValue = "ib8", description = "between nodes of eight H200: ${COMPLETION-CANDIDATES}")
    private Links link;

    @Option(names = "--algorithm", defaultValue = "best", description = "which way a sum goes: ${COMPLETION-CANDIDATES}")
    private Cluster.Algorithm algorithm;

    @Option(names = "--points", split = ",", paramLabel = "BYTES:SECONDS", description = "measured sums, instead of --link")
    private List<String> points;

    @Option(names = "--bucket-mb", defaultValue = "25", description = "MB (2^20 bytes) of a bucket of gradients")
    private double bucketMb;

    @Option(names = "--dtype", defaultValue = "fp32", description = "of gradients on the link: ${COMPLETION-CANDIDATES}")
    private Values values;

    @Option(names = "--tflops", defaultValue = "200", description = "sustained in forward and backward")
    private double teraflops;

    @Option(names = "--step-seconds", description = "of one GPU with --batch images, measured, instead of --tflops")
    private Optional<Double> stepSeconds;

    @Option(names = "--jitter", defaultValue = "0.02", description = "standard deviation of a GPU's step time, in parts of it")
    private double jitter;

    @Option(names = "--watts", defaultValue = "700", description = "of a GPU, for the schedule")
    private double watts;

    @Option(names = "--peaks", paramLabel = "FILE", description = "reports of bench --mode train with one and two images, for the memory",
            defaultValue = "benchmarks/results/intel-xeon-2-cpus-training-memory-2026-11-29.json")
    private Path peaks;

    @Option(names = "--json", paramLabel = "FILE", description = "write the steps of --gpus, too")
    private Optional<Path> json;

    @Parameters(paramLabel = "KEY VALUE", arity = "0..*", description = "overrides of the config")
    private List<String> overrides = List.of();

    /** The command line, whose {@link BadInput} is a message and exit code 2. */
    public static CommandLine command() {
        return new CommandLine(new Scaling()).setCaseInsensitiveEnumValuesAllowed(true).setExecutionExceptionHandler((e, line, _) -> {
            if (e instanceof BadInput) {
                line.getErr().println(e.getMessage());
                return 2;
            }
            throw e;
        });
    }

    public static void main(String[] args) {
        System.exit(command().execute(args));
    }

    @Override
    public Integer call() {
        Config c = Config.load(config, overrides);
        Plan plan = plan(c);
        PrintWriter out = spec.commandLine().getOut();
        out.print(switch (table) {
            case scaling -> Tables.scaling(plan, gpus);
            case layers -> Tables.layers(plan);
            case order -> Tables.order(plan);
            case remedies -> Tables.remedies(plan);
            case buckets -> Tables.buckets(plan, new int[] {1, 5, 25, 100, 500});
            case compute -> Tables.compute(plan, new double[] {50, 100, 200, 400});
            case schedule -> Tables.schedule(plan, c.solver(), SCHEDULES, watts);
            case memory -> memory(plan);
        });
        out.flush();
        json.ifPresent(file -> Json.write(file, report(plan)));
        return 0;
    }

    private Plan plan(Config c) {
        String[] sides = size.split("x");
        if (sides.length != 2 || !Arrays.stream(sides).allMatch(s -> s.matches("\\d{1,5}") && Integer.parseInt(s) > 0 && Integer.parseInt(s) % 32 == 0)) {
            throw BadInput.of("--size %s: wanted HEIGHTxWIDTH, both multiples of 32, such as 800x1344", size);
        }
        if (batch < 1 || !(bucketMb * (1 << 20) >= 1) || !(teraflops > 0) || !(stepSeconds.orElse(1.0) > 0) || !(jitter >= 0)
                || Arrays.stream(gpus).anyMatch(n -> n < 1)) {
            throw BadInput.of("--batch %d --bucket-mb %s --tflops %s --step-seconds %s --gpus %s: all must be positive, and --jitter %s not negative",
                    batch, bucketMb, teraflops, stepSeconds.map(Object::toString).orElse("-"), Arrays.toString(gpus), jitter);
        }
        Layers layers = Layers.of(c, Integer.parseInt(sides[0]), Integer.parseInt(sides[1]));
        double update = PASSES_OF_THE_UPDATE * 4 * layers.trained() / MEMORY_BYTES_PER_SECOND;
        return new Plan(layers, batch, stepSeconds.map(s -> s / batch).orElse(layers.flop() / (teraflops * 1e12)), stepSeconds.isPresent() ? 0 : update,
                (long) (bucketMb * (1 << 20)), values.bytes, jitter, points == null ? link.cluster(algorithm) : AllReduce.measured(measured()));
    }

    private Map<Double, Double> measured() {
        Map<Double, Double> read = new TreeMap<>();
        for (String point : points) {
            String[] parts = point.split(":");
            try {
                read.put(Double.parseDouble(parts[0]), Double.parseDouble(parts[1]));
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                throw new BadInput("--points " + point + ": wanted BYTES:SECONDS, such as 4096:5e-6", e);
            }
        }
        return read;
    }

    private String memory(Plan plan) {
        JsonNode runs = Json.read(peaks, JsonNode.class).path("runs");
        double[] bytes = new double[2];
        for (JsonNode run : runs) {
            boolean fits = run.path("mode").asText().equals("train") && size.equals(run.path("height").asInt() + "x" + run.path("width").asInt())
                    && run.path("parameters").asLong() == plan.layers().weights();
            int images = run.path("batch").asInt();
            if (fits && (images == 1 || images == 2)) {
                bytes[images - 1] = run.path("peak_device_bytes").asDouble();
            }
        }
        if (bytes[0] == 0 || bytes[1] == 0) {
            throw BadInput.of("--peaks %s: wanted \"runs\" of this model at %s with one and with two images, as bench --mode train --json writes", peaks, size);
        }
        return Tables.memory(plan, bytes[0], bytes[1], new int[] {1, 2, 4, 8, 16, 32});
    }

    private Map<String, Object> report(Plan plan) {
        Map<String, Object> steps = new LinkedHashMap<>();
        for (int n : gpus) {
            Step without = plan.step(n, false);
            Step with = plan.step(n, true);
            steps.put(Integer.toString(n), Map.of("compute_s", with.compute(), "waiting_s", with.waiting(), "sums_s", with.sums(), "exposed_s", with.exposed(),
                    "step_s_without_overlap", without.seconds(), "step_s_with_overlap", with.seconds()));
        }
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("trained_parameters", plan.layers().trained());
        report.put("gradient_bytes", plan.gradientBytes());
        report.put("gflop_per_image", plan.layers().flop() / 1e9);
        report.put("steps", steps);
        return report;
    }
}
