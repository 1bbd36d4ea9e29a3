package org.sparsercnn.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.EvaluateWeights;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code eval}: AP of a checkpoint on DATASETS.TEST. */
@Command(name = "eval", description = "Evaluate MODEL.WEIGHTS on DATASETS.TEST.")
final class EvalCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Mixin
    private ConfigOptions config;

    @Option(names = "--strict-data", description = "Refuse annotations that would be repaired or dropped.")
    private boolean strict;

    @Parameters(arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides, e.g. MODEL.WEIGHTS model.pth")
    private List<String> overrides;

    @Override
    public Integer call() {
        EvaluateWeights.run(main.environment(), config.load(overrides), new EvaluateWeights.Options(config.device(), strict, false));
        return Main.OK;
    }
}
