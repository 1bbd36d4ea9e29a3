package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Bench;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.config.Config;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bench}: speed and memory of a model on a device. */
@Command(name = "bench", description = "Time a model with random weights on a device.")
final class BenchCommand implements Callable<Integer> {
    enum Switch { ON, OFF }

    @Option(names = "--config-file", paramLabel = "FILE", defaultValue = "configs/sparsercnn.res50.100pro.3x.yaml", description = "Config file in detectron2's YAML (default ${DEFAULT-VALUE}).")
    private Path configFile;

    @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda, cuda:N or auto (default).")
    private String device;

    @Option(names = "--threads", paramLabel = "N", description = "CPU threads (default: all).")
    private Integer threads;

    @Option(names = "--deterministic", description = "On a GPU, only algorithms whose results are equal from run to run.")
    private boolean deterministic;

    @Option(names = "--mode", paramLabel = "MODE", defaultValue = "infer", description = "infer (default) or train.")
    private Bench.Mode mode;

    @Option(names = "--batch", paramLabel = "N", defaultValue = "1", description = "Images in a pass (default ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--height", paramLabel = "PIXELS", defaultValue = "800", description = "Default ${DEFAULT-VALUE}.")
    private int height;

    @Option(names = "--width", paramLabel = "PIXELS", defaultValue = "1344", description = "Default ${DEFAULT-VALUE}.")
    private int width;

    @Option(names = "--precision", paramLabel = "PRECISION", defaultValue = "fp32", description = "fp32 (default), tf32 or bf16.")
    private Bench.Precision precision;

    @Option(names = "--graph", paramLabel = "on|off", defaultValue = "on", description = "Whether a GPU replays inference as a CUDA graph (default on).")
    private Switch graph;

    @Option(names = "--seconds", paramLabel = "S", defaultValue = "10", description = "How long to measure (default ${DEFAULT-VALUE}).")
    private double seconds;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report as JSON.")
    private Path json;

    @Parameters(arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides.")
    private List<String> overrides;

    @Override
    public Integer call() {
        Config config = Config.load(configFile, overrides == null ? List.of() : overrides);
        DeviceChoice choice = new DeviceChoice(Optional.ofNullable(device), Optional.ofNullable(threads), deterministic, graph == Switch.ON);
        Bench.run(config, new Bench.Options(choice, mode, batch, height, width, precision, seconds, Optional.ofNullable(json)), System.out);
        return Main.OK;
    }
}
