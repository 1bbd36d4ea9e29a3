package org.sparsercnn.app;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.data.DatasetCatalog;
import org.sparsercnn.data.Metric;
import org.sparsercnn.eval.GroundTruth;
import org.sparsercnn.eval.ResultsJson;
import org.sparsercnn.train.MetricsHistory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.viz.report.ComparePage;
import org.sparsercnn.viz.report.ReportPage;
import org.sparsercnn.viz.report.RunData;
import org.sparsercnn.viz.report.SetData;

/** {@code report} and {@code compare}: pages about runs, made of the files that runs leave. {@code train} and {@code eval} end with one. */
public final class Report {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.report");
    private static final String FOLDER = "report";
    private static final String PAGE = "index.html";
    /** Images of the worst and of the best each; about 60 KB an image, and a page of several sets shows fewer of each. */
    private static final int SHOTS = 12;
    private static final int FEWEST_SHOTS = 3;

    /**
     * Data that lies elsewhere than the run's config says.
     *
     * @param truths COCO annotations, one for each set of DATASETS.TEST
     * @param images folders of their pictures: one for each, one for all, or none
     */
    public record Moved(List<Path> truths, List<Path> images) {
        /** Nothing is elsewhere. */
        public static Moved none() {
            return new Moved(List.of(), List.of());
        }
    }

    /**
     * Results that any program wrote.
     *
     * @param truth COCO annotations
     * @param results COCO results
     * @param images folder of the pictures
     * @param metrics a metrics.json
     */
    public record Results(Path truth, Path results, Optional<Path> images, Optional<Path> metrics, Metric metric) {}

    private Report() {}

    /**
     * The page of a run, from what lies in its folder.
     *
     * @param output folder of the page
     * @return the page
     * @throws BadInput if the folder holds no run, or results do not belong to the data set
     */
    public static Path ofRun(Environment environment, Path run, Moved moved, Optional<Path> output) {
        Path folder = output.orElse(run.resolve(FOLDER));
        return write(folder.resolve(PAGE), ReportPage.of(read(environment, run, moved, folder, SHOTS)));
    }

    /** The page of a results file. */
    public static Path ofResults(Results of, Path output) {
        GroundTruth truth = GroundTruth.read(of.truth);
        String file = String.valueOf(of.truth.getFileName());
        MeasuredSet set = new MeasuredSet(file.replaceAll("\\.json$", ""), EvaluationTask.PLAIN.label(), "bbox/", truth, of.metric,
                of.images.map(folder -> i -> folder.resolve(truth.annotations().fileName(i))), of.results, Optional.empty());
        return write(output.resolve(PAGE), ReportPage.of(RunFiles.ofResults(of.results, of.metrics).with(List.of(set.read(output, SHOTS)))));
    }

    /** Several runs side by side on a page. */
    public static Path compare(Environment environment, List<Path> runs, Path output) {
        boolean isFile = output.toString().endsWith(".html");
        Path folder = isFile ? output.toAbsolutePath().getParent() : output;
        List<RunData> read = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Path run : runs) {
            RunData data = read(environment, run, Moved.none(), folder, 0);
            read.add(data.named(Datasets.free(data.name(), names)));
        }
        return write(isFile ? output.toAbsolutePath() : folder.resolve(PAGE), ComparePage.of(read));
    }

    /** What {@code train} and {@code eval} end with. Whatever hinders it is told and costs the run nothing else. */
    static void afterRun(RunFolder folder, Config config, List<Evaluation.Result> results) {
        try {
            Path page = folder.path().resolve(FOLDER);
            boolean several = config.datasets().test().size() > 1;
            List<SetData> sets = results.stream().map(r -> MeasuredSet.of(r, folder, several).read(page, shots(SHOTS, results.size()))).toList();
            LOG.info("Report written to {}", write(page.resolve(PAGE), ReportPage.of(RunFiles.of(folder.path()).with(sets))));
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.warn("The report could not be written: {}. Try again with: report {}", e.getMessage(), folder.path());
            LOG.debug("no report", e);
        }
    }

    private static int shots(int most, int sets) {
        return most == 0 ? 0 : Math.max(FEWEST_SHOTS, most / Math.max(1, sets));
    }

    private static RunData read(Environment environment, Path run, Moved moved, Path page, int shots) {
        if (!Files.isDirectory(run)) {
            throw BadInput.of("%s: %s; the OUTPUT_DIR of a run was expected", run, Files.exists(run) ? "a file" : "no such folder");
        }
        RunFiles files = RunFiles.of(run);
        List<MeasuredSet> sets = files.config().map(config -> sets(environment, config, run, moved, files.notes())).orElse(List.of());
        if (sets.isEmpty() && files.metrics().lastIteration() < 0) {
            throw BadInput.of("%s: no run is here: neither %s with rows nor %s; name the OUTPUT_DIR of a training or an evaluation, or give"
                    + " --gt FILE --dt FILE for results alone%s", run, MetricsHistory.FILE, EvaluationTask.PLAIN.folder() + "/" + ResultsJson.FILE_NAME,
                    files.notes().isEmpty() ? "" : ". " + String.join(" ", files.notes()));
        }
        return files.with(sets.stream().map(set -> set.read(page, shots(shots, sets.size()))).toList());
    }

    /** The data sets of {@code config} that have results. */
    private static List<MeasuredSet> sets(Environment environment, Config config, Path run, Moved moved, List<String> notes) {
        List<String> names = config.datasets().test();
        if (!moved.truths.isEmpty() && moved.truths.size() != names.size()) {
            throw BadInput.of("--gt was given %d times, but the run has %d data sets in DATASETS.TEST (%s); give it once for each", moved.truths.size(),
                    names.size(), String.join(", ", names));
        }
        DatasetCatalog catalog = environment.catalog(config);
        List<MeasuredSet> sets = new ArrayList<>();
        for (EvaluationTask task : EvaluationTask.values()) {
            Set<String> taken = new HashSet<>();
            for (int i = 0; i < names.size(); i++) {
                DatasetCatalog.Entry entry = catalog.entry(names.get(i));
                int place = i;
                String name = Datasets.free(entry.name(), taken);
                Path results = RunFolder.inference(run, config, task, name).resolve(ResultsJson.FILE_NAME);
                if (Files.exists(results)) {
                    measured(catalog, names.get(i), entry, moved, i, notes).ifPresent(truth -> {
                        Path images = moved.images.isEmpty() ? entry.imageRoot() : moved.images.get(Math.min(place, moved.images.size() - 1));
                        sets.add(new MeasuredSet(name, task.label(), MeasuredSet.prefix(task, name, names.size() > 1), truth, entry.metric(),
                                Optional.of(image -> images.resolve(truth.annotations().fileName(image))), results, Optional.empty()));
                    });
                }
            }
        }
        return sets;
    }

    /** Empty, with a note, where the annotations are not where they were: the rest of the run can be told without them. */
    private static Optional<GroundTruth> measured(DatasetCatalog catalog, String name, DatasetCatalog.Entry entry, Moved moved, int place, List<String> notes) {
        if (!moved.truths.isEmpty()) {
            return Optional.of(GroundTruth.read(moved.truths.get(place)));
        }
        if (!Files.exists(entry.json())) {
            String note = "Results on " + entry.name() + " are here, but not its annotations " + entry.json() + ": report with --gt FILE and --images FOLDER"
                    + " says where they are.";
            LOG.warn("{}", note);
            notes.add(note);
            return Optional.empty();
        }
        return Optional.of(new GroundTruth(catalog.annotations(name)));
    }

    private static Path write(Path file, String page) {
        try {
            AtomicFiles.write(file, out -> out.write(page.getBytes(StandardCharsets.UTF_8)));
            return file;
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; choose another --output", e);
        }
    }
}
