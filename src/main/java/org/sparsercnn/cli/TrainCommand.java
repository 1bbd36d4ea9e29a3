package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.EvaluateWeights;
import org.sparsercnn.app.Ranks;
import org.sparsercnn.app.Replay;
import org.sparsercnn.app.Start;
import org.sparsercnn.app.Training;
import org.sparsercnn.config.Config;
import org.sparsercnn.dist.World;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code train}: detectron2's train_net. */
@Command(name = "train", description = "Train a model, evaluate it at the end.")
final class TrainCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Mixin
    private ConfigOptions config;

    @Mixin
    private TrainDataOptions trainData;

    @Mixin
    private DataOptions data;

    @Mixin
    private LaunchOptions launch;

    @ArgGroup
    private From from = new From();

    /** One of them at most. */
    static final class From {
        @Option(names = "--resume", description = "Continue from last_checkpoint in OUTPUT_DIR, with everything as it was.")
        private boolean resume;

        @Option(names = "--init-from", paramLabel = "WEIGHTS",
                description = "Start anew from a model's weights; only its classes may be others. A path, https://… or detectron2://…")
        private String weights;

        Start start() {
            return resume ? new Start.Resumed() : weights != null ? new Start.InitFrom(weights) : new Start.Configured();
        }
    }

    @Option(names = "--eval-only", description = "Evaluate MODEL.WEIGHTS instead of training.")
    private boolean evalOnly;

    @Option(names = "--replay", paramLabel = "FILE", description = "Take the step once more that ended a run: nonfinite_….safetensors of its OUTPUT_DIR.")
    private Path replay;

    @Parameters(arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides.")
    private List<String> overrides;

    @Override
    public Integer call() {
        if (replay != null) {
            if (evalOnly || from.resume || from.weights != null) {
                throw new BadInput("--replay: takes one step of a file once more; leave --resume, --init-from and --eval-only out");
            }
            Replay.run(replay, config.device(), overrides == null ? List.of() : overrides);
            return Main.OK;
        }
        if (evalOnly && from.weights != null) {
            throw new BadInput("--eval-only and --init-from: name the weights to evaluate by MODEL.WEIGHTS");
        }
        return Ranks.together(launch.launch(main.environment().variables()), launch.timeout(), config.device(), this::run);
    }

    private int run(World world) {
        Config c = trainData.applied(data.applied(config.load(overrides)));
        if (evalOnly) {
            EvaluateWeights.run(main.environment(), c, new EvaluateWeights.Options(config.device(), world, data.strict, from.resume));
            return Main.OK;
        }
        return Training.run(main.environment(), c, new Training.Options(config.device(), world, from.start(), data.strict));
    }
}
