package org.sparsercnn.viz.report;

import java.util.List;
import java.util.Map;

/**
 * The page of one run: a summary, the run, its training, and for each data set what was measured. One file without anything from
 * elsewhere.
 */
public final class ReportPage {
    /** Sections by id, as the list at the top names them. */
    private static final List<Map.Entry<String, String>> CONTENTS = List.of(Map.entry("summary", "Summary"), Map.entry("losses", "Loss"),
            Map.entry("ap-over-time", "AP over time"), Map.entry("pr-curves", "Precision and recall"), Map.entry("per-class", "Classes"), Map.entry("ap-by-size", "Sizes"),
            Map.entry("errors", "Mistakes"), Map.entry("confusion", "Confusion"), Map.entry("scores", "Scores"), Map.entry("calibration", "Calibration"),
            Map.entry("gallery", "Images"), Map.entry("time", "Time"), Map.entry("device", "Power"), Map.entry("config", "Config"), Map.entry("environment", "Environment"));
    private static final String UNMEASURED = "No results are here: eval leaves them in inference/.";

    private ReportPage() {}

    /** The page's text. */
    public static String of(RunData run) {
        return Document.of("Report of " + run.name(), page -> {
            page.element("nav", nav -> CONTENTS.forEach(e -> nav.element("a", e.getValue(), "href", "#" + e.getKey())), "aria-label", "Contents");
            SummarySection.write(page, run);
            TrainingSections training = new TrainingSections(run);
            training.losses(page);
            training.apOverTime(page);
            for (int i = 0; i < run.sets().size(); i++) {
                measured(page, run.sets().get(i), i == 0 ? "" : "-" + (i + 1), run.sets().size() > 1);
            }
            if (run.sets().isEmpty()) {
                CONTENTS.stream().filter(e -> List.of("pr-curves", "per-class", "ap-by-size", "errors", "confusion", "scores", "calibration", "gallery").contains(e.getKey()))
                        .forEach(e -> Section.missing(page, e.getKey(), e.getValue(), UNMEASURED));
            }
            training.time(page);
            training.device(page);
            config(page, run);
            environment(page, run);
        });
    }

    private static void measured(Html page, SetData set, String suffix, boolean named) {
        if (named) {
            page.element("h1", set.title(), "class", "set");
            page.element("p", String.join(" · ", set.score().percentages().entrySet().stream().filter(e -> !e.getKey().contains("-"))
                    .map(e -> e.getKey() + " " + Numbers.percent(e.getValue() / 100)).toList()), "class", "note");
        }
        PrecisionSections precision = new PrecisionSections(set, suffix);
        ErrorSections errors = new ErrorSections(set, suffix);
        precision.curves(page);
        precision.perClass(page);
        precision.bySize(page);
        errors.errors(page);
        errors.confusion(page);
        errors.scores(page);
        errors.calibration(page);
        GallerySection.write(page, set, suffix);
    }

    private static void config(Html page, RunData run) {
        if (run.config().isEmpty()) {
            Section.missing(page, "config", "Config", "No config.yaml is here: train leaves one in OUTPUT_DIR.");
            return;
        }
        Section.write(page, "config", "Config", section -> {
            if (!run.changes().isEmpty()) {
                Section.table(section, "What differs from detectron2's and our defaults", "settings usual", table -> {
                    Section.head(table, "t", "key", "value", "default");
                    table.element("tbody", body -> run.changes().forEach(s -> body.element("tr",
                            row -> row.element("th", s.key(), "scope", "row").element("td", s.value()).element("td", s.usual()))));
                });
            }
            section.element("details", details -> details.element("summary", "All of config.yaml").element("pre", run.config().get()));
        });
    }

    private static void environment(Html page, RunData run) {
        if (run.environment().isEmpty()) {
            Section.missing(page, "environment", "Environment", "No environment.json is here: train and eval leave one in OUTPUT_DIR.");
            return;
        }
        Section.write(page, "environment", "Environment", section -> Section.table(section, "What the last command ran on", "settings", table ->
                table.element("tbody", body -> run.environment().forEach((topic, text) -> body.element("tr",
                        row -> row.element("th", topic, "scope", "row").element("td", text))))));
    }
}
