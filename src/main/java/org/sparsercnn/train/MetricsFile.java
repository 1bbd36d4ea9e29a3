package org.sparsercnn.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * {@code metrics.json} as detectron2's JSONWriter leaves it: one object a line, keys sorted, with the iteration. Every line is
 * strict JSON: a number that is not finite is null. Iterations never go back: a run that starts anew moves an older run's file
 * aside, and a resumed one drops the rows of the steps it does again, and what a kill left of the last line.
 */
final class MetricsFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    private final RecordFile records;

    private MetricsFile(Path file) {
        records = new RecordFile(file);
    }

    /** @param start first iteration that is still to be done; 0 for a run that starts anew */
    static MetricsFile open(Path file, long start) {
        try {
            if (Files.exists(file) && Files.size(file) > 0) {
                if (start == 0) {
                    moveAside(file);
                } else {
                    dropFrom(file, start);
                }
            }
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be read or written: " + AtomicFiles.reason(e) + "; move it away or choose another OUTPUT_DIR", e);
        }
        return new MetricsFile(file);
    }

    private static void moveAside(Path file) throws IOException {
        Path aside;
        int n = 1;
        do {
            aside = file.resolveSibling("metrics." + n++ + ".json");
        } while (Files.exists(aside));
        Files.move(file, aside);
        LOG.info("The metrics of an earlier run in this folder are now in {}", aside);
    }

    private static void dropFrom(Path file, long start) throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8); // half a character must not fail it
        List<String> kept = new ArrayList<>();
        int redone = 0;
        int broken = 0;
        for (String line : text.lines().toList()) {
            long iteration = iteration(line);
            if (iteration < 0) {
                broken++;
            } else if (iteration >= start) {
                redone++;
            } else {
                kept.add(line + "\n");
            }
        }
        String whole = String.join("", kept);
        if (!whole.equals(text)) {
            AtomicFiles.write(file, out -> out.write(whole.getBytes(StandardCharsets.UTF_8)));
            LOG.info("{}: dropped {} rows from iteration {} on, which are done again, and {} broken ones", file, redone, start, broken);
        }
    }

    /** -1 of a line that is no row. */
    private static long iteration(String line) {
        try {
            return Json.MAPPER.readTree(line) instanceof ObjectNode row ? row.path("iteration").asLong(-1) : -1;
        } catch (JsonProcessingException e) {
            return -1;
        }
    }

    void write(long iteration, Map<String, Double> scalars) {
        Map<String, Object> row = new TreeMap<>();
        scalars.forEach((name, value) -> row.put(name, Double.isFinite(value) ? value : null));
        row.put("iteration", iteration);
        try {
            records.append((Json.MAPPER.writeValueAsString(row) + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        records.close();
    }
}
