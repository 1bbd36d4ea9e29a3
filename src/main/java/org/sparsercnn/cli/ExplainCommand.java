package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.sparsercnn.app.Explain;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code explain}: shows what the stages did. */
@Command(name = "explain", description = "Show what the stages did: boxes, scores, attention, proposals.")
final class ExplainCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Mixin
    private ConfigOptions config;

    @Parameters(arity = "0..*", paramLabel = "IMAGE", description = "Pictures, folders or quoted globs; the same as --input.")
    private List<String> images = List.of();

    @Option(names = "--input", arity = "1..*", paramLabel = "PATH", description = "Pictures, folders or quoted globs.")
    private List<String> input = List.of();

    @Option(names = "--output", paramLabel = "PATH", defaultValue = "explained", description = "Folder for pictures and numbers, created (default ${DEFAULT-VALUE}).")
    private Path output;

    @Option(names = "--confidence-threshold", paramLabel = "X", defaultValue = "0.3", description = "Follow proposals with at least this score (default ${DEFAULT-VALUE}).")
    private double threshold;

    @Option(names = "--top", paramLabel = "K", defaultValue = "6", description = "Follow at most so many proposals in a picture (default ${DEFAULT-VALUE}).")
    private int top;

    @Option(names = "--opts", arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides; the rest of the line.")
    private List<String> overrides;

    @Override
    public Integer call() {
        List<String> all = Stream.concat(images.stream(), input.stream()).toList();
        if (all.isEmpty()) {
            throw new BadInput("nothing to explain: give pictures, as in 'explain --config-file F photo.jpg'");
        }
        Explain.run(main.environment(), config.load(overrides), new Explain.Options(config.device(), all, output, top, threshold));
        return Main.OK;
    }
}
