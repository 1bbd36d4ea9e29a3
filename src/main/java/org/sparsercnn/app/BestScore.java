package org.sparsercnn.app;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.TestConfig;
import org.sparsercnn.io.Checkpoints;
import org.sparsercnn.train.GeneralFormat;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * The scores of a run by TEST.BEST_METRIC: which evaluation was the best, and whether that is so long ago that the run should stop.
 * {@code best.json} beside the checkpoints keeps them for a run that is resumed.
 */
final class BestScore {
    /** The names of losses on a test set begin so. */
    static final String LOSSES = "val/";
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn.train");

    /** @param iteration the last one done when it was measured */
    record Score(long iteration, double value) {}

    private final String metric;
    private final int patience;
    private final Path folder;
    private final Path file;
    private final List<Score> scores = new ArrayList<>();
    /** The score of model_best; null for none. */
    private Score saved;
    private boolean lowerIsBetter;
    /** Read by all ranks. */
    private volatile boolean stop;

    /** @param folder the run's */
    BestScore(TestConfig config, Path folder) {
        this.metric = config.bestMetric();
        this.patience = config.earlyStop();
        this.folder = folder;
        this.file = folder.resolve("best.json");
    }

    private boolean better(double value, Score than) {
        return !Double.isNaN(value) && (than == null || (lowerIsBetter ? value < than.value : value > than.value));
    }

    /**
     * Takes up what the folder knows of the run so far.
     *
     * @param iteration the last one done; later evaluations belong to a run that was given up, but their best one still stands in
     *     model_best, which only a better one may replace
     */
    void resumedAt(long iteration) {
        if (metric.isEmpty() || !Files.exists(file)) {
            return;
        }
        try {
            JsonNode json = Json.read(file, JsonNode.class);
            if (!json.path("metric").asText().equals(metric)) {
                LOG.warn("{} is about {}, TEST.BEST_METRIC is {}: the search for the best checkpoint starts anew", file,
                        json.path("metric").asText("another metric"), metric);
                return;
            }
            json.path("evaluations").forEach(e -> {
                if (e.path("iteration").asLong() <= iteration) {
                    scores.add(score(e));
                }
            });
            lowerIsBetter = json.path("lower_is_better").asBoolean();
            boolean there = json.path("best").isObject() && Files.exists(folder.resolve(Checkpoints.BEST));
            saved = there ? score(json.get("best")) : null;
        } catch (BadInput e) {
            LOG.warn("{}. The search for the best checkpoint starts anew.", e.getMessage());
        }
        decide();
    }

    private static Score score(JsonNode json) {
        return new Score(json.path("iteration").asLong(), json.path("value").asDouble(Double.NaN));
    }

    /**
     * Takes an evaluation's numbers. Where {@code save} is called and returns true, model_best is the model that was measured.
     *
     * @param values what was measured, by name
     * @param lower whether a smaller value of the metric is the better one
     * @param save writes model_best, false if it could not
     */
    void add(long iteration, Map<String, Double> values, boolean lower, BooleanSupplier save) {
        Double value = values.get(metric);
        if (value == null) {
            if (!metric.isEmpty()) {
                LOG.warn("TEST.BEST_METRIC {} is none of the metrics measured: {}", metric, values.keySet());
            }
            return;
        }
        lowerIsBetter = lower;
        Score score = new Score(iteration, value);
        scores.removeIf(s -> s.iteration >= iteration);
        scores.add(score);
        if (better(value, saved) && save.getAsBoolean()) {
            LOG.info("{} {} is the best so far{}", metric, text(value), saved == null ? "" : " (before: " + text(saved.value) + " at iteration "
                    + saved.iteration + ")");
            saved = score;
        }
        write();
        decide();
    }

    private void write() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("metric", metric);
        json.put("lower_is_better", lowerIsBetter);
        json.put("best", saved == null ? null : json(saved));
        json.put("evaluations", scores.stream().map(BestScore::json).toList());
        try {
            Json.write(file, json);
        } catch (BadInput e) {
            LOG.warn("{}", e.getMessage());
        }
    }

    private static Map<String, Object> json(Score score) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("iteration", score.iteration);
        json.put("value", Double.isFinite(score.value) ? score.value : null);
        return json;
    }

    private void decide() {
        int since = 0;
        Score best = null;
        for (Score score : scores) {
            boolean better = better(score.value, best);
            best = better ? score : best;
            since = better ? 0 : since + 1;
        }
        stop = patience > 0 && since >= patience;
        if (stop) {
            LOG.info("Stopping early (TEST.EARLY_STOP {}): in {} evaluations {} has not been better than {}", patience, since, metric,
                    best == null ? "undefined" : text(best.value) + " at iteration " + best.iteration);
        }
    }

    private static String text(double value) {
        return GeneralFormat.of(value, 5);
    }

    /** Whether TEST.EARLY_STOP ends the run. */
    boolean stop() {
        return stop;
    }

    /** What rank 0 has decided, which alone hears of scores. */
    void follow(boolean decided) {
        stop = decided;
    }

    /** The folder was deleted, and model_best with it. */
    void lost() {
        saved = null;
    }

    /** The score of model_best. */
    Optional<Score> best() {
        return Optional.ofNullable(saved);
    }
}
