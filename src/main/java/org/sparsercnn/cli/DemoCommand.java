package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Demo;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code demo}: draws detections on pictures. */
@Command(name = "demo", description = "Find objects in pictures and draw them.")
final class DemoCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Mixin
    private ConfigOptions config;

    @Option(names = "--input", arity = "1..*", required = true, paramLabel = "PATH", description = "Pictures, folders or quoted globs.")
    private List<String> input;

    @Option(names = "--output", paramLabel = "PATH", description = "Folder for the drawn pictures (created), or a file for one picture.")
    private Path output;

    @Option(names = "--confidence-threshold", paramLabel = "X", defaultValue = "0.5", description = "Keep detections with at least this score (default ${DEFAULT-VALUE}).")
    private double threshold;

    @Option(names = "--json", paramLabel = "FILE", description = "Write detections as JSON.")
    private Path json;

    @Option(names = "--side-by-side", description = "Draw the objects of --gt beside the detections.")
    private boolean sideBySide;

    @Option(names = "--gt", paramLabel = "FILE", description = "COCO annotations of the pictures, for --side-by-side.")
    private Path gt;

    @Option(names = "--crop", paramLabel = "FOLDER", description = "Write a picture of each detection there.")
    private Path crops;

    @Option(names = "--opts", arity = "0..*", paramLabel = "KEY VALUE", description = "Config overrides; the rest of the line.")
    private List<String> overrides;

    @Override
    public Integer call() {
        if (sideBySide != (gt != null)) {
            throw new BadInput("--side-by-side and --gt FILE go together: the file has the objects that are drawn beside the detections");
        }
        Demo.run(main.environment(), config.load(overrides), new Demo.Options(config.device(), input, output, threshold, json, gt, crops));
        return Main.OK;
    }
}
