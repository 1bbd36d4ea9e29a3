package org.sparsercnn.app;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparsercnn.config.Config;
import org.sparsercnn.train.MetricsHistory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.report.Curve;
import org.sparsercnn.viz.report.RunData;
import org.sparsercnn.viz.report.SetData;

/**
 * What a run left in its folder besides results: config, environment, metrics. Each may be missing; one that cannot be read is told in
 * {@link #notes} and counts as missing.
 *
 * @param text of config.yaml
 * @param config read from it
 */
record RunFiles(String name, Optional<String> text, Optional<Config> config, Map<String, String> environment, MetricsHistory metrics, List<String> notes) {
    static RunFiles of(Path folder) {
        List<String> notes = new ArrayList<>();
        Optional<String> text = text(folder.resolve(RunFolder.CONFIG), notes);
        Optional<Config> config = text.flatMap(yaml -> config(yaml, folder.resolve(RunFolder.CONFIG), notes));
        return new RunFiles(name(folder), text, config, environment(folder.resolve(EnvironmentReport.FILE), notes),
                metrics(folder.resolve(MetricsHistory.FILE), notes), notes);
    }

    /** Results alone, with metrics where they are given. */
    static RunFiles ofResults(Path results, Optional<Path> metrics) {
        return new RunFiles(String.valueOf(results.getFileName()), Optional.empty(), Optional.empty(), Map.of(),
                metrics.map(MetricsHistory::read).orElseGet(MetricsHistory::empty), new ArrayList<>());
    }

    private static String name(Path folder) {
        Path last = folder.toAbsolutePath().normalize().getFileName();
        return last == null ? "a run" : last.toString();
    }

    private static Optional<String> text(Path file, List<String> notes) {
        try {
            return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
        } catch (IOException e) {
            notes.add(file.getFileName() + " cannot be read: " + AtomicFiles.reason(e) + ".");
            return Optional.empty();
        }
    }

    private static Optional<Config> config(String yaml, Path file, List<String> notes) {
        try {
            return Optional.of(Config.ofDump(yaml, file.toString()));
        } catch (BadInput e) { // another program's, or another version's
            notes.add("The config is shown as it stands, but not understood: " + e.getMessage() + ".");
            return Optional.empty();
        }
    }

    private static Map<String, String> environment(Path file, List<String> notes) {
        Map<String, String> topics = new LinkedHashMap<>();
        if (Files.exists(file)) {
            try {
                Json.read(file, JsonNode.class).properties().forEach(e -> topics.put(e.getKey(), e.getValue().asText()));
            } catch (BadInput e) {
                notes.add(e.getMessage() + ".");
            }
        }
        return topics;
    }

    private static MetricsHistory metrics(Path file, List<String> notes) {
        try {
            return Files.exists(file) ? MetricsHistory.read(file) : MetricsHistory.empty();
        } catch (BadInput e) {
            notes.add(e.getMessage() + ".");
            return MetricsHistory.empty();
        }
    }

    /** All of it for a page, with what was measured. */
    RunData with(List<SetData> sets) {
        Map<String, Curve> curves = new TreeMap<>();
        metrics.names().forEach(name -> metrics.series(name).ifPresent(s -> curves.put(name, Curve.of(name, s.iterations(), s.values()))));
        List<RunData.Setting> changes = config.map(c -> Config.defaults().diff(c).stream()
                .map(d -> new RunData.Setting(d.key(), d.to().repr(), d.from().repr())).toList()).orElse(List.of());
        return new RunData(name, text, changes, environment, curves, steps(), sets, List.copyOf(notes));
    }

    private RunData.Steps steps() {
        long done = metrics.series("total_loss").map(s -> s.iterations()[s.size() - 1] + 1).orElse(0L);
        double left = metrics.series("eta_seconds").map(MetricsHistory.Series::last).orElse(Double.NaN);
        return new RunData.Steps(done, config.map(c -> (long) c.solver().maxIter()).orElse(0L), left);
    }
}
