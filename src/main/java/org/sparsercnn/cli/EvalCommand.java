package org.sparsercnn.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.EvaluateWeights;
import org.sparsercnn.app.Ranks;
import org.sparsercnn.app.SelfCheck;
import org.sparsercnn.config.Config;
import org.sparsercnn.dist.World;
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

    @Mixin
    private DataOptions data;

    @Mixin
    private LaunchOptions launch;

    @Option(names = "--self-check", description = "Score the ground truth against itself, which must give 1.000; needs no weights.")
    private boolean selfCheck;

    @Parameters(arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides, e.g. MODEL.WEIGHTS model.pth")
    private List<String> overrides;

    @Override
    public Integer call() {
        if (selfCheck) {
            SelfCheck.run(main.environment(), data.applied(config.load(overrides)), config.device(), data.strict);
            return Main.OK;
        }
        return Ranks.together(launch.launch(main.environment().variables()), launch.timeout(), config.device(), this::run);
    }

    private int run(World world) {
        Config c = data.applied(config.load(overrides));
        EvaluateWeights.run(main.environment(), c, new EvaluateWeights.Options(config.device(), world, data.strict, false));
        return Main.OK;
    }
}
