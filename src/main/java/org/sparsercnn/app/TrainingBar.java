package org.sparsercnn.app;

import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.sparsercnn.train.Hook;
import org.sparsercnn.train.LossWindow;
import org.sparsercnn.train.Progress;

/** How far a training is, in the terminal's last line: with its loss and what the last evaluation found. */
final class TrainingBar implements Hook {
    private final ProgressLine line;
    private final LossWindow losses;
    private final Supplier<String> score;
    private ProgressLine.Bar bar = ProgressLine.Bar.HIDDEN;
    private boolean begun;

    /**
     * @param losses brought up to date before this hook
     * @param score a word about the last evaluation, empty before there was one
     */
    TrainingBar(ProgressLine line, LossWindow losses, Supplier<String> score) {
        this.line = line;
        this.losses = losses;
        this.score = score;
    }

    @Override
    public void afterStep(Progress p) {
        if (!begun) {
            begun = true;
            bar = line.begin("train", p.iteration(), p.maxIter());
        }
        bar.at(p.iteration() + 1, p.maxIter(), note(losses.medians(), score.get()));
    }

    static String note(Map<String, Double> losses, String score) {
        Double loss = losses.get("total_loss");
        return ((loss == null ? "" : String.format(Locale.ROOT, "loss %.2f ", loss)) + score).strip();
    }

    @Override
    public void close() {
        bar.close();
    }
}
