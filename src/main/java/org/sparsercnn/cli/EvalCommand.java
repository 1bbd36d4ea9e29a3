package org.sparsercnn.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.EvaluateWeights;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code eval}: AP of a checkpoint on DATASETS.TEST. */
@Command(name = "eval", description = "Evaluate MODEL.WEIGHTS on DATASETS.TEST.")
final class EvalCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Mixin
    private ConfigOptions config;

    @Mixin
    private DataOptions data;

    @Parameters(arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides, e.g. MODEL.WEIGHTS model.pth")
    private List<String> overrides;

    @Override
    public Integer call() {
        EvaluateWeights.run(main.environment(), data.applied(config.load(overrides)), new EvaluateWeights.Options(config.device(), data.strict, false));
        return Main.OK;
    }
}
