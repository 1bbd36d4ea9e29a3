package org.sparsercnn.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Devices;
import org.sparsercnn.app.EvaluateWeights;
import org.sparsercnn.config.Config;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code eval}: AP of a checkpoint on DATASETS.TEST. */
@Command(name = "eval", description = "Evaluate MODEL.WEIGHTS on DATASETS.TEST.")
final class EvalCommand implements Callable<Integer> {
    @Mixin
    private ConfigOptions config;

    @Option(names = "--strict-data", description = "Refuse annotations that would be repaired or dropped.")
    private boolean strict;

    @Parameters(arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides, e.g. MODEL.WEIGHTS model.pth")
    private List<String> overrides;

    @Override
    public Integer call() {
        return evaluate(config.load(overrides), config.devices(), strict, false);
    }

    static int evaluate(Config config, Devices.Choice devices, boolean strict, boolean latest) {
        EvaluateWeights.run(config, devices, strict, latest);
        return Main.OK;
    }
}
