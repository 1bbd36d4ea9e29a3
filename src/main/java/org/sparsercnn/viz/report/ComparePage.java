package org.sparsercnn.viz.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Several runs side by side, the first one the measure of the others. Runs are compared on the data sets that all of them were measured on. */
public final class ComparePage {
    private static final List<String> OVERLAID = List.of("total_loss", "loss_ce", "loss_giou", "loss_bbox", "lr");

    private static final SequencedMap<String, String> CONTENTS = new LinkedHashMap<>();

    static {
        CONTENTS.put("summary", "Numbers");
        CONTENTS.put("config", "Config");
        CONTENTS.put("losses", "Loss");
        CONTENTS.put("ap-over-time", "AP over time");
        CONTENTS.put("errors", "Mistakes");
        CONTENTS.put("per-class", "Classes");
    }

    private final List<RunData> runs;

    private ComparePage(List<RunData> runs) {
        this.runs = runs;
    }

    /** @param runs two or more, of different names */
    public static String of(List<RunData> runs) {
        String title = "Comparison of " + String.join(", ", runs.stream().map(RunData::name).toList());
        return Document.of(title, page -> new ComparePage(runs).write(page));
    }

    private void write(Html page) {
        page.element("nav", nav -> CONTENTS.forEach((id, name) -> nav.element("a", name, "href", "#" + id)), "aria-label", "Contents");
        List<String> titles = shared();
        Section.write(page, "summary", "Numbers", section -> {
            titles.forEach(title -> numbers(section, title));
            if (titles.isEmpty()) {
                section.element("p", "The runs have no data set in common that they were measured on.", "class", "missing");
            }
            runs.forEach(run -> run.notes().forEach(note -> Section.note(section, run.name() + ": " + note)));
        });
        config(page);
        curves(page);
        Section.write(page, "errors", "Kinds of mistakes", section -> titles.forEach(title -> errors(section, title)));
        Section.write(page, "per-class", "AP of every class", section -> titles.forEach(title -> perClass(section, title)));
    }

    /** Titles of the sets that every run has. */
    private List<String> shared() {
        Set<String> titles = new LinkedHashSet<>(runs.getFirst().sets().stream().map(SetData::title).toList());
        runs.forEach(run -> titles.retainAll(run.sets().stream().map(SetData::title).toList()));
        return List.copyOf(titles);
    }

    private List<SetData> of(String title) {
        return runs.stream().map(run -> run.sets().stream().filter(set -> set.title().equals(title)).findFirst().orElseThrow()).toList();
    }

    private void numbers(Html section, String title) {
        List<SetData> sets = of(title);
        SequencedMap<String, List<Double>> rows = new LinkedHashMap<>();
        sets.getFirst().score().percentages().keySet().stream().filter(name -> !name.contains("-"))
                .forEach(name -> rows.put(name, sets.stream().map(set -> set.score().percentages().getOrDefault(name, Double.NaN)).toList()));
        rows.put("precision", sets.stream().map(set -> 100 * set.analysis().point().precision()).toList());
        rows.put("recall", sets.stream().map(set -> 100 * set.analysis().point().recall()).toList());
        rows.put("F1", sets.stream().map(set -> 100 * set.analysis().point().f1()).toList());
        table(section, "On " + title + ", percent", "number", rows, sets.getFirst().score()::lowerIsBetter);
        Section.note(section, "Precision, recall and F1 at IoU 0.5, of each run from the score on at which its F1 is largest: " + String.join(", ",
                sets.stream().map(set -> Numbers.decimal(set.analysis().point().score(), 2)).toList()) + ".");
    }

    /** Numbers by run, each but the first's with the difference to it. */
    private void table(Html section, String caption, String what, SequencedMap<String, List<Double>> rows, Predicate<String> lowerIsBetter) {
        Section.table(section, caption, "sortable", table -> {
            Section.head(table, "tn", Stream.concat(Stream.of(what), runs.stream().flatMap(run -> run == runs.getFirst() ? Stream.of(run.name())
                    : Stream.of(run.name(), "difference"))).toArray(String[]::new));
            table.element("tbody", body -> rows.forEach((name, values) -> body.element("tr", row -> {
                row.element("th", name, "scope", "row");
                for (int i = 0; i < values.size(); i++) {
                    Section.number(row, values.get(i) < 0 ? "n/a" : Numbers.decimal(values.get(i), 1));
                    if (i > 0) {
                        double difference = values.get(i) < 0 || values.getFirst() < 0 ? Double.NaN : values.get(i) - values.getFirst();
                        boolean better = lowerIsBetter.test(name) ? difference < 0 : difference > 0;
                        String kind = Math.abs(difference) < 0.05 || Double.isNaN(difference) ? "" : better ? " better" : " worse";
                        row.element("td", Numbers.difference(difference, 1), "class", "num" + kind);
                    }
                }
            })));
        });
    }

    private void config(Html page) {
        Map<String, String> usual = new LinkedHashMap<>();
        runs.forEach(run -> run.changes().forEach(s -> usual.put(s.key(), s.usual())));
        Section.write(page, "config", "Config", section -> {
            List<RunData> known = runs.stream().filter(run -> run.config().isPresent()).toList();
            Map<String, List<String>> different = new LinkedHashMap<>();
            usual.forEach((key, value) -> {
                List<String> values = known.stream().map(run -> run.changes().stream().filter(s -> s.key().equals(key)).findFirst()
                        .map(RunData.Setting::value).orElse(value)).toList();
                if (values.stream().anyMatch(v -> !Objects.equals(v, values.getFirst()))) {
                    different.put(key, values);
                }
            });
            if (known.size() < runs.size()) {
                Section.note(section, "Without a config.yaml: " + String.join(", ", runs.stream().filter(run -> !known.contains(run)).map(RunData::name).toList()) + ".");
            }
            if (different.isEmpty()) {
                section.element("p", "No key differs.", "class", "missing");
                return;
            }
            Section.table(section, "Keys that differ", "settings", table -> {
                Section.head(table, "t", Stream.concat(Stream.of("key"), known.stream().map(RunData::name)).toArray(String[]::new));
                table.element("tbody", body -> different.forEach((key, values) -> body.element("tr", row -> {
                    row.element("th", key, "scope", "row");
                    values.forEach(value -> row.element("td", value));
                })));
            });
        });
    }

    private void curves(Html page) {
        Section.write(page, "losses", "Loss and learning rate", section -> section.element("div", charts ->
                OVERLAID.forEach(name -> overlay(charts, name, name.equals("lr") ? "lr" : "loss", run -> run.curve(name))), "class", "charts"));
        Section.write(page, "ap-over-time", "AP over time", section -> section.element("div", charts -> {
            for (String name : List.of("AP", "AP50")) {
                overlay(charts, name + (name.equals("AP") ? " of the first data set" : ""), "percent",
                        run -> run.curve((run.sets().isEmpty() ? "bbox/" : run.sets().getFirst().prefix()) + name));
            }
        }, "class", "charts"));
    }

    private void overlay(Html charts, String caption, String unit, Function<RunData, Optional<Curve>> curve) {
        List<Curve> curves = new ArrayList<>();
        runs.forEach(run -> curve.apply(run).ifPresent(c -> curves.add(c.named(run.name()))));
        if (!curves.isEmpty()) {
            SvgChart.lines(charts, caption, "iteration", unit, curves);
        }
    }

    private void errors(Html section, String title) {
        List<Map<String, Double>> gains = of(title).stream().map(set -> ErrorSections.gains(set.analysis().errors())).toList();
        SequencedMap<String, List<Double>> rows = new LinkedHashMap<>();
        gains.getFirst().keySet().forEach(kind -> rows.put(kind, gains.stream().map(g -> Math.max(0, 100 * g.get(kind))).toList()));
        table(section, "AP50 points lost to each kind on " + title, "kind", rows, _ -> true);
    }

    private void perClass(Html section, String title) {
        SequencedMap<String, List<Double>> rows = new LinkedHashMap<>();
        List<SetData> sets = of(title);
        sets.getFirst().coco().categories().names().forEach(name -> rows.put(name, sets.stream().map(set -> {
            int k = set.coco().categories().names().indexOf(name);
            return k < 0 ? Double.NaN : 100 * set.coco().perCategory().get(k).get("AP");
        }).toList()));
        table(section, "AP by class on " + title + ", percent", "class", rows, _ -> false);
    }
}
