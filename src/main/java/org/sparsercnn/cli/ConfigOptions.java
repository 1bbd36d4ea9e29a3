package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparsercnn.app.Devices;
import org.sparsercnn.config.Config;
import picocli.CommandLine.Option;

/** Options of every command that builds a model. */
final class ConfigOptions {
    @Option(names = "--config-file", paramLabel = "FILE", description = "Config file in detectron2's YAML.")
    Path configFile;

    @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda, cuda:N or auto (default); wins over MODEL.DEVICE.")
    String device;

    @Option(names = "--threads", paramLabel = "N", description = "CPU threads (default: all).")
    Integer threads;

    /** @param overrides trailing KEY VALUE pairs */
    Config load(List<String> overrides) {
        List<String> pairs = overrides == null ? List.of() : new ArrayList<>(overrides);
        Config config = configFile == null ? Config.defaults().with(pairs.toArray(String[]::new)) : Config.load(configFile, pairs);
        return config;
    }

    Devices.Choice devices() {
        return new Devices.Choice(Optional.ofNullable(device), Optional.ofNullable(threads));
    }
}
