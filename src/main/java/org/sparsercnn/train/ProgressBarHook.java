package org.sparsercnn.train;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar on the terminal with the running loss, from the first step on. */
public final class ProgressBarHook implements Hook {
    private final String task;
    private final History loss = new History();
    private ProgressBar bar; // null before the first step: its thread draws at once

    public ProgressBarHook(String task) {
        this.task = task;
    }

    @Override
    public void afterStep(Progress p) {
        if (bar == null) {
            bar = new ProgressBarBuilder().setTaskName(task).setInitialMax(-1).setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(500).build();
        }
        loss.add(p.step().total());
        bar.maxHint(p.maxIter());
        bar.stepTo(p.iteration() + 1);
        bar.setExtraMessage(String.format(Locale.ROOT, " loss %.2f", loss.median(20)));
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
