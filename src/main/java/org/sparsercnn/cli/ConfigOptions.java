package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.sparsercnn.app.DeviceChoice;
import org.sparsercnn.app.EarlyLog;
import org.sparsercnn.config.Config;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.Option;

/** Options of every command that builds a model. */
final class ConfigOptions {
    @Option(names = "--config-file", paramLabel = "FILE", description = "Config file in detectron2's YAML.")
    Path configFile;

    @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda, cuda:N or auto (default); wins over MODEL.DEVICE.")
    String device;

    @Option(names = "--threads", paramLabel = "N", description = "CPU threads (default: all).")
    Integer threads;

    @Option(names = "--deterministic", description = "On a GPU, only algorithms whose results are equal from run to run.")
    boolean deterministic;

    @Option(names = "--no-graphs", description = "On a GPU, launch every kernel of inference one by one instead of replaying CUDA graphs.")
    boolean noGraphs;

    /** @param overrides trailing KEY VALUE pairs, or null */
    Config load(List<String> overrides) {
        if (configFile == null) {
            throw new BadInput("--config-file is missing; name a config such as configs/sparsercnn.res50.100pro.3x.yaml");
        }
        EarlyLog.begin(); // what the config says about itself belongs into the run's log.txt
        return Config.load(configFile, overrides == null ? List.of() : overrides);
    }

    DeviceChoice device() {
        return new DeviceChoice(Optional.ofNullable(device), Optional.ofNullable(threads), deterministic, !noGraphs);
    }
}
