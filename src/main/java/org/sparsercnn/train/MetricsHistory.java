package org.sparsercnn.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * {@code metrics.json} read back, ours or detectron2's: every number of the run by name, over the iterations at which it was written.
 *
 * <p>A line that is no row is passed over: a kill may have cut the last one. Where iterations go back, as in a file of detectron2's that a
 * resumed run went on with, the rows of the steps that were done again are forgotten.
 */
public final class MetricsHistory {
    /** The name of the file in OUTPUT_DIR. */
    public static final String FILE = "metrics.json";
    private static final ObjectReader ROW = Json.MAPPER.reader().with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS.mappedFeature()); // Python writes NaN

    /**
     * A number over the run.
     *
     * @param iterations (K) ascending
     * @param values (K) NaN where undefined
     */
    public record Series(long[] iterations, double[] values) {
        public int size() {
            return values.length;
        }

        /** Of at least one. */
        public double last() {
            return values[values.length - 1];
        }
    }

    private record Row(long iteration, Map<String, Double> numbers) {}

    private final Map<String, Series> series = new TreeMap<>();
    private final long last;

    private MetricsHistory(List<Row> rows) {
        last = rows.isEmpty() ? -1 : rows.getLast().iteration;
        Map<String, List<Row>> byName = new TreeMap<>();
        for (Row row : rows) {
            row.numbers.keySet().forEach(name -> byName.computeIfAbsent(name, _ -> new ArrayList<>()).add(row));
        }
        byName.forEach((name, of) -> series.put(name, new Series(of.stream().mapToLong(Row::iteration).toArray(),
                of.stream().mapToDouble(row -> row.numbers.get(name)).toArray())));
    }

    /** @throws BadInput if the file cannot be read or has no row at all */
    public static MetricsHistory read(Path file) {
        List<Row> rows = new ArrayList<>();
        // Half a character, as a kill may leave it, must not fail the file: the reader replaces it.
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                row(line).ifPresent(row -> {
                    while (!rows.isEmpty() && rows.getLast().iteration > row.iteration) {
                        rows.removeLast();
                    }
                    rows.add(row);
                });
            }
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be read: " + AtomicFiles.reason(e), e);
        }
        if (rows.isEmpty()) {
            throw new BadInput(file + ": no row of metrics is in it; a run's metrics.json was expected, a JSON object with \"iteration\" a line");
        }
        return new MetricsHistory(rows);
    }

    private static Optional<Row> row(String line) {
        try {
            if (!(ROW.readTree(line) instanceof ObjectNode json) || !json.path("iteration").isIntegralNumber()) {
                return Optional.empty();
            }
            Map<String, Double> numbers = new TreeMap<>();
            for (Map.Entry<String, JsonNode> field : json.properties()) {
                if (!field.getKey().equals("iteration") && (field.getValue().isNumber() || field.getValue().isNull())) {
                    numbers.put(field.getKey(), field.getValue().asDouble(Double.NaN));
                }
            }
            return Optional.of(new Row(json.get("iteration").asLong(), numbers));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /** Nothing was measured. */
    public static MetricsHistory empty() {
        return new MetricsHistory(List.of());
    }

    /** The last iteration done, from 0; -1 of none. */
    public long lastIteration() {
        return last;
    }

    public Optional<Series> series(String name) {
        return Optional.ofNullable(series.get(name));
    }

    /** All names, sorted. */
    public List<String> names() {
        return List.copyOf(series.keySet());
    }
}
