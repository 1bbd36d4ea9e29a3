package org.sparsercnn.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** detectron2's console line and {@code metrics.json} (one object a line) every few steps; values are medians of the last 20. */
public final class MetricsLog implements Hook {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final int WINDOW = 20;

    private final Path file;
    private final int period;
    private final Map<String, Smoothed> losses = new LinkedHashMap<>();
    private final Smoothed time = new Smoothed(WINDOW);
    private final Smoothed dataTime = new Smoothed(WINDOW);

    public MetricsLog(Path file, int period) {
        this.file = file;
        this.period = period;
    }

    @Override
    public void afterStep(Progress p) {
        if (p.step().finite()) {
            smoothed("total_loss").add(p.step().total());
            p.step().losses().forEach((name, value) -> smoothed(name).add(value));
        }
        time.add(p.seconds());
        dataTime.add(p.dataSeconds());
        if ((p.iteration() + 1) % period == 0 || p.isLast()) {
            LOG.info(line(p));
            append(p);
        }
    }

    private Smoothed smoothed(String name) {
        return losses.computeIfAbsent(name, _ -> new Smoothed(WINDOW));
    }

    private String line(Progress p) {
        StringBuilder s = new StringBuilder();
        s.append(" eta: ").append(clock(Math.round(time.median() * (p.maxIter() - p.iteration() - 1))));
        s.append("  iter: ").append(p.iteration());
        losses.forEach((name, v) -> s.append(String.format(Locale.ROOT, "  %s: %.4g", name, v.median())));
        s.append(String.format(Locale.ROOT, "  time: %.4f  data_time: %.4f  lr: %.5g  max_mem: %dM", time.median(), dataTime.median(),
                p.lr(), p.peakBytes() >> 20));
        return s.toString();
    }

    private static String clock(long seconds) {
        Duration d = Duration.ofSeconds(seconds);
        String hms = String.format(Locale.ROOT, "%d:%02d:%02d", d.toHoursPart(), d.toMinutesPart(), d.toSecondsPart());
        return d.toDays() == 0 ? hms : d.toDays() + (d.toDays() == 1 ? " day, " : " days, ") + hms;
    }

    private void append(Progress p) {
        ObjectNode row = Json.MAPPER.createObjectNode();
        row.put("iteration", p.iteration()).put("lr", p.lr()).put("time", time.median()).put("data_time", dataTime.median());
        losses.forEach((name, v) -> row.put(name, v.median()));
        write(file, row);
    }

    /** Appends one line to a metrics file. */
    static void write(Path file, ObjectNode row) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, row + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; free some space or choose another OUTPUT_DIR", e);
        }
    }
}
