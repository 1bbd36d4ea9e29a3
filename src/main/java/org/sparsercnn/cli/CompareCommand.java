package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Report;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code compare}: runs side by side. */
@Command(name = "compare", description = "Put runs side by side on a page: config, numbers, curves, mistakes, classes.")
final class CompareCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Parameters(arity = "1..*", paramLabel = "RUN", description = "OUTPUT_DIR of two runs or more; the others are held against the first.")
    private List<Path> runs;

    @Option(names = "--output", required = true, paramLabel = "PATH", description = "The page, a name that ends in .html, or a folder for its index.html.")
    private Path output;

    @Override
    public Integer call() {
        if (runs.size() < 2) {
            throw BadInput.of("compare wants two runs or more, one was given: %s", runs.getFirst());
        }
        System.out.println("Comparison: " + Report.compare(main.environment(), runs, output));
        return Main.OK;
    }
}
