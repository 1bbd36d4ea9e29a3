package org.sparsercnn.viz.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** How the training went: losses and learning rate, AP over time, time and memory, the device. */
final class TrainingSections {
    private static final String UNTRAINED = "No metrics.json is here: train leaves one in OUTPUT_DIR.";
    private static final List<String> TERMS = List.of("loss_ce", "loss_giou", "loss_bbox");

    private final RunData run;

    TrainingSections(RunData run) {
        this.run = run;
    }

    void losses(Html page) {
        if (run.curve("total_loss").isEmpty()) {
            Section.missing(page, "losses", "Loss and learning rate", UNTRAINED);
            return;
        }
        Section.write(page, "losses", "Loss and learning rate", section -> {
            section.element("div", charts -> {
                List<Curve> total = new ArrayList<>();
                run.curve("total_loss").ifPresent(c -> total.add(c.named("training")));
                run.curves().keySet().stream().filter(name -> name.endsWith("val/total_loss")).forEach(name -> run.curve(name)
                        .ifPresent(c -> total.add(c.named(name.equals("val/total_loss") ? "validation" : name.replace("/val/total_loss", "")))));
                chart(charts, "Total loss", "loss", total);
                chart(charts, "Terms of the last stage's loss", "loss", TERMS.stream().flatMap(name -> run.curve(name).stream()).toList());
                chart(charts, "Learning rate", "lr", run.curve("lr").stream().toList());
            }, "class", "charts");
            Section.note(section, "A point of the training is the median of the last 20 steps, as detectron2 logs it.");
            List<Map.Entry<String, List<Curve>>> stages = TERMS.stream().map(term -> Map.entry(term, stages(term))).filter(e -> e.getValue().size() > 1).toList();
            if (!stages.isEmpty()) {
                section.element("details", details -> {
                    details.element("summary", "Every stage of the head");
                    details.element("div", charts -> stages.forEach(e -> chart(charts, e.getKey() + " by stage, the first is 0", "loss", e.getValue())),
                            "class", "charts");
                });
            }
        });
    }

    private List<Curve> stages(String term) {
        return Stream.concat(run.curves().keySet().stream().filter(name -> name.matches(term + "_\\d+")), Stream.of(term))
                .flatMap(name -> run.curve(name).map(c -> c.named(name.equals(term) ? "last" : name.substring(term.length() + 1))).stream()).toList();
    }

    void apOverTime(Html page) {
        List<String> prefixes = run.sets().isEmpty() ? List.of("bbox/") : run.sets().stream().map(SetData::prefix).distinct().toList();
        boolean any = prefixes.stream().anyMatch(prefix -> run.curve(prefix + "AP").isPresent());
        if (!any) {
            Section.missing(page, "ap-over-time", "AP over time", "No evaluation stands in metrics.json: train writes one at its end, and every TEST.EVAL_PERIOD steps.");
            return;
        }
        Section.write(page, "ap-over-time", "AP over time", section -> prefixes.forEach(prefix -> {
            String where = prefixes.size() == 1 ? "" : " of " + prefix.replaceAll("/$", "");
            List<Curve> main = curves(prefix, "AP", "AP50", "AP75", "mMR", "Recall");
            List<Curve> sizes = curves(prefix, "APs", "APm", "APl");
            if (main.stream().allMatch(c -> c.y().length == 1)) {
                Section.note(section, once(where, Stream.concat(main.stream(), sizes.stream()).toList()));
            } else {
                section.element("div", charts -> {
                    chart(charts, "AP" + where, "percent", main);
                    chart(charts, "AP by size" + where, "percent", sizes);
                }, "class", "charts");
            }
        }));
    }

    private static String once(String where, List<Curve> numbers) {
        return numbers.isEmpty() ? "Nothing was measured" + where + "." : "The model was measured once" + where + ", after iteration "
                + Numbers.count((long) numbers.getFirst().x()[0]) + ": " + String.join(", ", numbers.stream().map(c -> c.name() + " " + Numbers.decimal(c.last(), 1))
                .toList()) + ". With TEST.EVAL_PERIOD it is measured on the way too.";
    }

    private List<Curve> curves(String prefix, String... names) {
        return Stream.of(names).flatMap(name -> run.curve(prefix + name).map(c -> c.named(name)).stream()).toList();
    }

    void time(Html page) {
        List<SetData> timed = run.sets().stream().filter(set -> !set.timing().secondsByStage().isEmpty()).toList();
        if (run.curve("time").isEmpty() && timed.isEmpty()) {
            Section.missing(page, "time", "Time and memory", "Neither metrics.json nor timing.json is here: train and eval leave them.");
            return;
        }
        Section.write(page, "time", "Time and memory", section -> {
            run.curve("time").ifPresent(_ -> section.element("div", charts -> {
                chart(charts, "Seconds a training step, and of these waiting for data", "seconds", Stream.concat(
                        run.curve("time").map(c -> c.named("step")).stream(), run.curve("data_time").map(c -> c.named("data")).stream()).toList());
                chart(charts, "Images a second in training", "images/s", run.curve("images_per_second").stream().toList());
                chart(charts, "Most memory that training held on the device", "MiB", run.curve("max_mem").stream().toList());
            }, "class", "charts"));
            timed.forEach(set -> timing(section, set));
            if (timed.isEmpty()) {
                Section.note(section, "How the time of the evaluation divides is not known here: no timing.json lies beside its results.");
            }
        });
    }

    private static void timing(Html section, SetData set) {
        Map<String, Double> stages = set.timing().secondsByStage();
        double whole = stages.values().stream().mapToDouble(Double::doubleValue).sum();
        Section.table(section, "Evaluation on " + set.title() + ": time an image by stage", "bars", table -> {
            Section.head(table, "tn", "stage", "time", "share");
            table.element("tbody", body -> stages.forEach((stage, seconds) -> body.element("tr", row -> {
                row.element("th", stage, "scope", "row");
                Section.number(row, Numbers.seconds(seconds));
                Section.bar(row, Numbers.percent(seconds / whole) + " %", seconds / whole);
            })));
        });
        Section.note(section, String.join("; ", set.timing().facts().entrySet().stream().map(e -> e.getKey() + ": " + e.getValue()).toList()) + ".");
    }

    void device(Html page) {
        if (run.curves().keySet().stream().noneMatch(name -> name.startsWith("gpu/"))) {
            Section.missing(page, "device", "Power and clocks", "No GPU's sensors stand in metrics.json: training on a GPU writes power, clock and temperature there.");
            return;
        }
        Section.write(page, "device", "Power and clocks", section -> {
            section.element("div", charts -> {
                chart(charts, "Power", "watts", run.curve("gpu/power_watts").stream().toList());
                chart(charts, "Clock of the multiprocessors", "MHz", run.curve("gpu/clock_mhz").stream().toList());
                chart(charts, "Temperature", "°C", run.curve("gpu/celsius").stream().toList());
                chart(charts, "Memory in use, other processes included", "MiB", run.curve("gpu/memory_mib").stream().toList());
            }, "class", "charts");
            Section.note(section, "Of the first replica's GPU, read every 20 steps.");
        });
    }

    private static void chart(Html charts, String caption, String unit, List<Curve> curves) {
        if (!curves.isEmpty()) {
            SvgChart.lines(charts, caption, "iteration", unit, curves);
        }
    }
}
