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
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * detectron2's console line and {@code metrics.json} (one object a line) every {@value #PERIOD} steps and at the last; values are
 * medians of the last {@value #WINDOW}.
 */
public final class MetricsLog implements Hook {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final int PERIOD = 20;
    private static final int WINDOW = 20;

    private final Path file;
    private final boolean onScreen;
    private final LongSupplier peakBytes;
    private final Map<String, Smoothed> losses = new LinkedHashMap<>();
    private final Smoothed time = new Smoothed(WINDOW);
    private final Smoothed dataTime = new Smoothed(WINDOW);

    /**
     * @param onScreen whether to log lines too; a progress bar does not go with them
     * @param peakBytes most memory the device ever handed out
     */
    public MetricsLog(Path file, boolean onScreen, LongSupplier peakBytes) {
        this.file = file;
        this.onScreen = onScreen;
        this.peakBytes = peakBytes;
    }

    @Override
    public void afterStep(Progress p) {
        if (p.step().finite()) {
            smoothed("total_loss").add(p.step().total());
            p.step().losses().forEach((name, value) -> smoothed(name).add(value));
        }
        time.add(p.seconds());
        dataTime.add(p.dataSeconds());
        if ((p.iteration() + 1) % PERIOD == 0 || p.isLast()) {
            if (onScreen) {
                LOG.info(line(p));
            }
            append(p);
        }
    }

    private Smoothed smoothed(String name) {
        return losses.computeIfAbsent(name, _ -> new Smoothed(WINDOW));
    }

    private double secondsLeft(Progress p) {
        return time.median() * (p.maxIter() - p.iteration() - 1);
    }

    private String line(Progress p) {
        StringBuilder s = new StringBuilder();
        s.append(" eta: ").append(clock((long) secondsLeft(p))).append("  iter: ").append(p.iteration());
        losses.forEach((name, v) -> s.append("  ").append(name).append(": ").append(GeneralFormat.of(v.median(), 4)));
        s.append(String.format(Locale.ROOT, "  time: %.4f  data_time: %.4f  lr: %s  max_mem: %dM", time.median(), dataTime.median(),
                GeneralFormat.of(p.lr(), 5), peakBytes.getAsLong() >> 20));
        return s.toString();
    }

    /** As Python prints a timedelta. */
    static String clock(long seconds) {
        Duration d = Duration.ofSeconds(seconds);
        String hms = String.format(Locale.ROOT, "%d:%02d:%02d", d.toHoursPart(), d.toMinutesPart(), d.toSecondsPart());
        return d.toDays() == 0 ? hms : d.toDays() + (d.toDays() == 1 ? " day, " : " days, ") + hms;
    }

    private void append(Progress p) {
        ObjectNode row = Json.MAPPER.createObjectNode();
        row.put("iteration", p.iteration()).put("eta_seconds", secondsLeft(p)).put("lr", p.lr()).put("time", time.median())
                .put("data_time", dataTime.median());
        losses.forEach((name, v) -> row.put(name, v.median()));
        append(file, row);
    }

    /**
     * Appends an evaluation's numbers to a metrics file, as {@code "bbox/AP": 38.5}; an undefined one is null.
     *
     * @param iteration the last one done
     * @param prefix of every name
     */
    public static void appendEvaluation(Path file, long iteration, String prefix, Map<String, Double> percentages) {
        ObjectNode row = Json.MAPPER.createObjectNode();
        row.put("iteration", iteration);
        percentages.forEach((name, value) -> row.put(prefix + name, Double.isFinite(value) ? value : null));
        append(file, row);
    }

    private static void append(Path file, ObjectNode row) {
        try {
            Files.writeString(file, row + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; free some space or choose another OUTPUT_DIR", e);
        }
    }
}
