package org.sparsercnn.train;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * detectron2's console line and a row of metrics every {@value #PERIOD} steps and at the last. As there, losses are medians of
 * the last {@value LossWindow#STEPS} steps; in the line, time is the mean of all steps but the first {@value #WARMUP} and data_time that
 * of the last {@value #WINDOW}; what is left is reckoned by the median step of the last 1,000. Beyond it, the line has images
 * per second over the last {@value #WINDOW} steps, how many of the images that workers prepare ahead were ready, and how many
 * steps were skipped where some were. With several ranks it has the images of each, and in comm the mean time of the last
 * {@value #WINDOW} steps in sums over ranks that no computing hid, where it is known.
 */
public final class MetricsLog implements Hook {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");
    private static final int PERIOD = 20;
    private static final int WINDOW = 20;
    private static final int ETA_WINDOW = 1000;
    /** Their time is that of compiling and of first allocations. */
    private static final int WARMUP = 3;

    private final RunMetrics metrics;
    private final LongSupplier peakBytes;
    private final LossWindow losses;
    private final History time = new History();
    private final History dataTime = new History();
    private final History commTime = new History();
    private long steps;

    /**
     * @param losses of the steps before this run, if it was resumed
     * @param peakBytes most memory the device ever handed out; 0 where it is not known
     */
    public MetricsLog(RunMetrics metrics, LossWindow losses, LongSupplier peakBytes) {
        this.metrics = metrics;
        this.losses = losses;
        this.peakBytes = peakBytes;
    }

    @Override
    public void afterStep(Progress p) {
        losses.afterStep(p);
        if (steps++ == WARMUP) {
            time.clear();
        }
        time.add(p.seconds());
        dataTime.add(p.dataSeconds());
        commTime.add(p.exposedSeconds());
        if ((p.iteration() + 1) % PERIOD == 0 || p.isLast()) {
            LOG.info(line(p));
            metrics.write(p.iteration(), row(p));
        }
    }

    private double secondsLeft(Progress p) {
        return time.median(ETA_WINDOW) * (p.maxIter() - p.iteration() - 1);
    }

    private double imagesPerSecond(Progress p) {
        return p.images() / time.average(WINDOW);
    }

    private String line(Progress p) {
        StringBuilder s = new StringBuilder();
        s.append(" eta: ").append(clock((long) secondsLeft(p))).append("  iter: ").append(p.iteration());
        losses.medians().forEach((name, v) -> s.append("  ").append(name).append(": ").append(GeneralFormat.of(v, 4)));
        s.append(String.format(Locale.ROOT, "  time: %.4f  data_time: %.4f  lr: %s", time.average(), dataTime.average(WINDOW), GeneralFormat.of(p.lr(), 5)));
        if (p.ranks() > 1) {
            s.append(String.format(Locale.ROOT, "  comm: %.4f", commTime.average(WINDOW)));
        }
        if (peakBytes.getAsLong() > 0) {
            s.append(String.format(Locale.ROOT, "  max_mem: %.0fM", peakBytes.getAsLong() / 0x1p20));
        }
        s.append("  images/s: ").append(GeneralFormat.of(imagesPerSecond(p), 3));
        if (p.ranks() > 1) {
            s.append(" (").append(GeneralFormat.of(imagesPerSecond(p) / p.ranks(), 3)).append(" each)");
        }
        if (p.queue().capacity() > 0) {
            s.append(String.format("  queue: %d/%d", p.queue().ready(), p.queue().capacity()));
        }
        if (p.skippedSteps() > 0) {
            s.append("  skipped: ").append(p.skippedSteps());
        }
        return s.toString();
    }

    /** As Python prints a timedelta. */
    public static String clock(long seconds) {
        Duration d = Duration.ofSeconds(seconds);
        String hms = String.format(Locale.ROOT, "%d:%02d:%02d", d.toHoursPart(), d.toMinutesPart(), d.toSecondsPart());
        return d.toDays() == 0 ? hms : d.toDays() + (d.toDays() == 1 ? " day, " : " days, ") + hms;
    }

    private Map<String, Double> row(Progress p) {
        Map<String, Double> row = new LinkedHashMap<>();
        row.put("eta_seconds", secondsLeft(p));
        row.put("lr", p.lr());
        row.put("time", time.median(WINDOW));
        row.put("data_time", dataTime.median(WINDOW));
        if (p.ranks() > 1) {
            row.put("comm_time", commTime.median(WINDOW));
        }
        row.put("images_per_second", imagesPerSecond(p));
        row.put("queue_ready", (double) p.queue().ready());
        row.put("skipped_steps", (double) p.skippedSteps());
        if (peakBytes.getAsLong() > 0) {
            row.put("max_mem", peakBytes.getAsLong() / 0x1p20);
        }
        row.putAll(losses.medians());
        return row;
    }
}
