package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.app.BestScore.Score;
import org.sparsercnn.config.Config;

class BestScoreTest {
    @TempDir
    Path folder;

    private final List<Long> saved = new ArrayList<>();

    @BeforeEach
    void model_best_is_there() throws IOException {
        Files.createFile(folder.resolve("model_best.safetensors"));
    }

    private BestScore scores(String metric, int patience) {
        return new BestScore(Config.defaults().with("TEST.BEST_METRIC", metric, "TEST.EARLY_STOP", "" + patience).test(), folder);
    }

    private void add(BestScore scores, long iteration, double value) {
        add(scores, iteration, value, false);
    }

    private void add(BestScore scores, long iteration, double value, boolean lower) {
        scores.add(iteration, Map.of("AP", value), lower, () -> saved.add(iteration));
    }

    @Test
    void a_better_one_is_saved_and_an_equal_or_undefined_one_is_not() {
        BestScore scores = scores("AP", 0);
        add(scores, 9, Double.NaN);
        add(scores, 19, 0);
        add(scores, 29, 30);
        add(scores, 39, 30);
        add(scores, 49, Double.NaN);
        add(scores, 59, 31);
        assertThat(saved).containsExactly(19L, 29L, 59L);
        assertThat(scores.best()).contains(new Score(59, 31));
        assertThat(scores.stop()).as("0 is never").isFalse();
    }

    @Test
    void of_a_miss_rate_the_lower_one_is_better() {
        BestScore scores = scores("AP", 2);
        add(scores, 9, 50, true);
        add(scores, 19, 60, true);
        add(scores, 29, 40, true);
        assertThat(saved).containsExactly(9L, 29L);
        BestScore resumed = scores("AP", 2);
        resumed.resumedAt(29);
        assertThat(resumed.stop()).isFalse();
        add(resumed, 39, 45, true);
        add(resumed, 49, 46, true);
        assertThat(resumed.stop()).isTrue();
    }

    @Test
    void a_run_stops_after_so_many_without_a_better_one_also_when_it_was_resumed_between_them() {
        BestScore scores = scores("AP", 2);
        add(scores, 9, 30);
        add(scores, 19, 29);
        assertThat(scores.stop()).isFalse();
        BestScore resumed = scores("AP", 2);
        resumed.resumedAt(19);
        assertThat(resumed.best()).contains(new Score(9, 30));
        add(resumed, 29, 29.5);
        assertThat(resumed.stop()).as("better than the last, not than the best").isTrue();
        assertThat(saved).containsExactly(9L);

        BestScore again = scores("AP", 2);
        again.resumedAt(29);
        assertThat(again.stop()).as("at once").isTrue();
        BestScore patient = scores("AP", 3);
        patient.resumedAt(29);
        assertThat(patient.stop()).isFalse();
    }

    @Test
    void a_run_that_goes_back_forgets_what_came_after_but_keeps_the_better_model() {
        BestScore scores = scores("AP", 2);
        add(scores, 9, 30);
        add(scores, 19, 35);
        add(scores, 29, 33);
        BestScore resumed = scores("AP", 2);
        resumed.resumedAt(9);
        add(resumed, 19, 34);
        assertThat(saved).as("35 still stands in model_best").containsExactly(9L, 19L);
        add(resumed, 29, 33);
        assertThat(resumed.stop()).isFalse();
        add(resumed, 39, 33);
        assertThat(resumed.stop()).isTrue();
    }

    @Test
    void what_could_not_be_saved_is_not_the_best_there_is() {
        BestScore scores = scores("AP", 0);
        add(scores, 9, 30);
        scores.add(19, Map.of("AP", 35.0), false, () -> false);
        assertThat(scores.best()).contains(new Score(9, 30));
        add(scores, 29, 33);
        assertThat(saved).containsExactly(9L, 29L);
        scores.lost();
        add(scores, 39, 20);
        assertThat(saved).as("better than none").containsExactly(9L, 29L, 39L);
    }

    @Test
    void another_metric_a_missing_model_and_a_damaged_file_begin_anew() throws IOException {
        add(scores("AP", 0), 9, 30);
        BestScore other = scores("AP50", 0);
        other.resumedAt(9);
        assertThat(other.best()).isEmpty();
        Files.delete(folder.resolve("model_best.safetensors"));
        BestScore without = scores("AP", 0);
        without.resumedAt(9);
        assertThat(without.best()).isEmpty();
        Files.writeString(folder.resolve("best.json"), "{\"metric\": ");
        BestScore damaged = scores("AP", 0);
        damaged.resumedAt(9);
        add(damaged, 19, 1);
        assertThat(saved).containsExactly(9L, 19L);
    }
}
