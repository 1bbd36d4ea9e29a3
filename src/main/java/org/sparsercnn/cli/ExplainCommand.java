package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Explain;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code explain}: shows what the stages did. */
@Command(name = "explain", description = "Show what the stages did: boxes, scores, attention, proposals.")
final class ExplainCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Mixin
    private ConfigOptions config;

    @Option(names = "--input", arity = "1..*", required = true, paramLabel = "PATH", description = "Pictures, folders or quoted globs.")
    private List<String> input;

    @Option(names = "--output", required = true, paramLabel = "PATH", description = "Folder for pictures and numbers (created).")
    private Path output;

    @Option(names = "--confidence-threshold", paramLabel = "X", defaultValue = "0.3", description = "Follow proposals with at least this score (default ${DEFAULT-VALUE}).")
    private double threshold;

    @Option(names = "--top", paramLabel = "K", defaultValue = "6", description = "Follow at most so many proposals in a picture (default ${DEFAULT-VALUE}).")
    private int top;

    @Option(names = "--opts", arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides; the rest of the line.")
    private List<String> overrides;

    @Override
    public Integer call() {
        Explain.run(main.environment(), config.load(overrides), new Explain.Options(config.device(), input, output, top, threshold));
        return Main.OK;
    }
}
