package org.sparsercnn.app;

import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How far a long task of many equal steps is: a bar on a terminal, elsewhere a line of the log now and then. */
final class StepProgress implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.progress");
    private static final long BETWEEN_LINES_NS = 10_000_000_000L;

    private final String task;
    private final long steps;
    private final ProgressLine line;
    private final ProgressLine.Bar bar;
    private long done;
    private long lastLine = System.nanoTime();

    StepProgress(String task, long steps, ProgressLine line) {
        this.task = task;
        this.steps = steps;
        this.line = line;
        bar = line.begin(task, 0, steps);
    }

    void step() {
        done++;
        bar.at(done, steps, "");
        if (!line.isShown() && System.nanoTime() - lastLine > BETWEEN_LINES_NS) {
            lastLine = System.nanoTime();
            LOG.info("{}: {} of {}", task, count(done), count(steps));
        }
    }

    private static String count(long n) {
        return String.format(Locale.ROOT, "%,d", n);
    }

    @Override
    public void close() {
        bar.close();
    }
}
