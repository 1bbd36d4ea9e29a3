package org.sparsercnn.app;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;
import org.sparsercnn.ffi.Libc;

/**
 * A progress bar in the last line of the terminal behind standard error, with the log scrolling above it; of tasks within tasks
 * the innermost is shown. Where there is no such terminal, or one that is not watched (TERM=dumb, CI), nothing is shown and no
 * control character written: the log's lines say enough.
 */
final class ProgressLine implements AutoCloseable {
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int UPDATE_MILLIS = 500;
    private static final int USUAL_COLUMNS = 80;

    private final BottomLine bottom; // null: nothing is shown
    private final Runnable restore;
    private final Deque<TerminalBar> bars = new ArrayDeque<>();

    /** Something under way. Closing it takes it from the screen. */
    interface Bar extends AutoCloseable {
        Bar HIDDEN = (_, _, _) -> {};

        /** @param note a few words about it, may be empty */
        void at(long done, long total, String note);

        @Override
        default void close() {}
    }

    /** @param restore is run at the end */
    ProgressLine(BottomLine bottom, Runnable restore) {
        this.bottom = bottom;
        this.restore = restore;
    }

    static ProgressLine hidden() {
        return new ProgressLine(null, () -> {});
    }

    /**
     * Takes over this process's standard streams until it is closed, if they are a terminal's.
     *
     * @param variables of the environment
     */
    static ProgressLine ofProcess(Map<String, String> variables) {
        if (!isWatched(variables) || !Libc.isTerminal(STDERR)) {
            return hidden();
        }
        PrintStream out = System.out;
        PrintStream err = System.err;
        BottomLine bottom = new BottomLine(err, () -> Libc.columns(STDERR).orElse(USUAL_COLUMNS));
        PrintStream errAbove = bottom.above(err);
        System.setErr(errAbove);
        PrintStream outAbove = Libc.isTerminal(STDOUT) ? bottom.above(out) : out; // else a file, where nothing is in the way
        System.setOut(outAbove);
        return new ProgressLine(bottom, () -> {
            System.setOut(out);
            System.setErr(err);
            errAbove.close();
            if (outAbove != out) {
                outAbove.close();
            }
        });
    }

    /** Whether a terminal, if there is one, understands how to go back in a line and has someone before it. */
    static boolean isWatched(Map<String, String> variables) {
        String term = variables.getOrDefault("TERM", "dumb");
        return !term.isEmpty() && !term.equals("dumb") && variables.getOrDefault("CI", "").isEmpty();
    }

    /** Whether bars are seen. */
    boolean isShown() {
        return bottom != null;
    }

    /** Begins a task with so much done and so much in all to do. */
    Bar begin(String task, long done, long total) {
        if (bottom == null) {
            return Bar.HIDDEN;
        }
        synchronized (bars) {
            TerminalBar bar = new TerminalBar(task, done, total);
            bars.push(bar);
            return bar;
        }
    }

    @Override
    public void close() {
        while (!bars.isEmpty()) {
            bars.peek().close();
        }
        restore.run();
    }

    private final class TerminalBar implements Bar, ProgressBarConsumer {
        private final ProgressBar bar;
        private String rendered = "";

        TerminalBar(String task, long done, long total) {
            bar = new ProgressBarBuilder().setTaskName(task).setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(UPDATE_MILLIS)
                    .continuousUpdate().startsFrom(done, Duration.ZERO).setInitialMax(total).setConsumer(this).build();
        }

        @Override
        public void at(long done, long total, String note) {
            bar.maxHint(total);
            bar.stepTo(done);
            bar.setExtraMessage(note);
        }

        @Override
        public int getMaxRenderedLength() {
            return bottom.width();
        }

        @Override
        public void accept(String text) {
            synchronized (bars) {
                rendered = text;
                if (bars.peek() == this) {
                    bottom.show(rendered);
                }
            }
        }

        /** Called by the bar's own close as well. */
        @Override
        public void close() {
            synchronized (bars) {
                if (bars.remove(this)) {
                    bottom.show(bars.isEmpty() ? "" : bars.peek().rendered);
                } else {
                    return;
                }
            }
            bar.close();
        }
    }
}
