package org.sparsercnn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparsercnn.app.Report;
import org.sparsercnn.data.Metric;
import org.sparsercnn.util.BadInput;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code report}: the page of a run, or of results that any program wrote. */
@Command(name = "report", description = "Write the page of a run anew, or that of a results file (--gt, --dt).")
final class ReportCommand implements Callable<Integer> {
    @ParentCommand
    private Main main;

    @Parameters(arity = "0..1", paramLabel = "RUN", description = "OUTPUT_DIR of a run.")
    private Path run;

    @Option(names = "--gt", paramLabel = "FILE", description = "COCO annotations: of the results, or once for each of the run's data sets if they moved.")
    private List<Path> truths = List.of();

    @Option(names = "--dt", paramLabel = "FILE", description = "COCO results of any program, instead of a run.")
    private Path results;

    @Option(names = "--images", paramLabel = "FOLDER", description = "Pictures of --gt: a folder for each, or one for all.")
    private List<Path> images = List.of();

    @Option(names = "--metrics", paramLabel = "FILE", description = "With --dt: a metrics.json in detectron2's format.")
    private Path metrics;

    @Option(names = "--metric", paramLabel = "METRIC", description = "With --dt, how it is scored: coco (default) or crowdhuman.")
    private Metric metric;

    @Option(names = "--output", paramLabel = "FOLDER", description = "Folder of the page (default: report in the run's).")
    private Path output;

    @Override
    public Integer call() {
        if ((run == null) == (results == null)) {
            throw new BadInput(run == null ? "name the OUTPUT_DIR of a run, or give --gt FILE --dt FILE --output FOLDER for results alone"
                    : run + " and --dt " + results + ": a report is of a run or of a results file; leave one of them out");
        }
        System.out.println("Report: " + (run != null ? ofRun() : ofResults()));
        return Main.OK;
    }

    private Path ofRun() {
        if (metrics != null || metric != null) {
            throw BadInput.of("%s goes with --dt; a run has its own", metrics != null ? "--metrics" : "--metric");
        }
        if (!images.isEmpty() && (truths.isEmpty() || images.size() != 1 && images.size() != truths.size())) {
            throw BadInput.of("%d --gt and %d --images: give --images FOLDER once for all --gt FILE, or once for each", truths.size(), images.size());
        }
        return Report.ofRun(main.environment(), run, new Report.Moved(truths, images), Optional.ofNullable(output));
    }

    private Path ofResults() {
        if (truths.size() != 1 || images.size() > 1) {
            throw BadInput.of("--dt %s: give --gt FILE once, its COCO annotations, and at most one --images FOLDER", results);
        }
        if (output == null) {
            throw new BadInput("--output is missing; name the folder of the page");
        }
        return Report.ofResults(new Report.Results(truths.getFirst(), results, images.stream().findFirst(), Optional.ofNullable(metrics),
                metric == null ? Metric.COCO : metric), output);
    }
}
