package org.sparsercnn.app;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How far a long task of many equal steps is: a bar on a terminal, elsewhere a line of the log now and then. */
final class StepProgress implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.progress");
    private static final long BETWEEN_LINES_NS = 10_000_000_000L;

    private final String task;
    private final long steps;
    private final ProgressBar bar; // null without a terminal
    private long done;
    private long lastLine = System.nanoTime();

    StepProgress(String task, long steps) {
        this.task = task;
        this.steps = steps;
        bar = System.console() == null ? null : new ProgressBarBuilder().setTaskName(task).setInitialMax(steps).setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200).build();
    }

    void step() {
        done++;
        if (bar != null) {
            bar.stepTo(done);
        } else if (System.nanoTime() - lastLine > BETWEEN_LINES_NS) {
            lastLine = System.nanoTime();
            LOG.info("{}: {} of {}", task, count(done), count(steps));
        }
    }

    private static String count(long n) {
        return String.format(Locale.ROOT, "%,d", n);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
