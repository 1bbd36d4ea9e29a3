package org.sparsercnn.train;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar on the terminal with the running loss. */
public final class ProgressBarHook implements Hook {
    private final ProgressBar bar;
    private final Smoothed loss = new Smoothed(20);

    public ProgressBarHook(String task) {
        bar = new ProgressBarBuilder().setTaskName(task).setInitialMax(-1).setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(500).build();
    }

    @Override
    public void afterStep(Progress p) {
        loss.add(p.step().total());
        bar.maxHint(p.maxIter());
        bar.stepTo(p.iteration() + 1);
        bar.setExtraMessage(String.format(Locale.ROOT, " loss %.2f", loss.median()));
    }

    @Override
    public void close() {
        bar.close();
    }
}
