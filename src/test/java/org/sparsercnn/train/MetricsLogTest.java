package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class MetricsLogTest {
    @TempDir
    Path folder;

    private static Progress progress(long iteration, long steps, double loss, boolean finite) {
        Map<String, Float> terms = new LinkedHashMap<>();
        terms.put("loss_ce", (float) (2 * loss)); // in the order of SetCriterion
        terms.put("loss_ce_0", (float) loss);
        return new Progress(iteration, steps, new StepResult(terms, 3 * loss, 1, finite), 1e-4, 0.5, 0.1);
    }

    private List<JsonNode> rows() throws IOException {
        return Files.readAllLines(folder.resolve("metrics.json")).stream().map(line -> {
            try {
                return Json.MAPPER.readTree(line);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }).toList();
    }

    @Test
    void every_twentieth_step_and_the_last_give_a_row_of_medians() throws IOException {
        MetricsLog log = new MetricsLog(folder.resolve("metrics.json"), false, () -> 0);
        for (int i = 0; i < 45; i++) {
            log.afterStep(progress(i, 45, i, i != 30));
        }
        List<JsonNode> rows = rows();
        assertThat(rows.stream().map(r -> r.get("iteration").asInt())).containsExactly(19, 39, 44);
        assertThat(rows.getFirst().get("loss_ce_0").asDouble()).as("median of 0 … 19").isEqualTo(9.5);
        assertThat(rows.get(1).get("loss_ce_0").asDouble()).as("median of 19 … 39 without 30, which was not finite").isEqualTo(29.0, org.assertj.core.api.Assertions.within(0.51));
        assertThat(rows.getFirst().get("eta_seconds").asDouble()).isEqualTo(12.5);
        assertThat(rows.getFirst().fieldNames()).toIterable().containsExactly("iteration", "eta_seconds", "lr", "time", "data_time", "total_loss", "loss_ce", "loss_ce_0");
    }

    @Test
    void an_undefined_number_of_an_evaluation_is_null() throws IOException {
        Map<String, Double> percentages = new LinkedHashMap<>();
        percentages.put("AP", 38.5);
        percentages.put("APl", Double.NaN);
        MetricsLog.appendEvaluation(folder.resolve("metrics.json"), 9, "bbox/", percentages);
        assertThat(rows()).singleElement().hasToString("{\"iteration\":9,\"bbox/AP\":38.5,\"bbox/APl\":null}");
    }

    @Test
    void a_file_that_cannot_be_written_is_named() {
        assertThatThrownBy(() -> MetricsLog.appendEvaluation(folder, 9, "", Map.of())).isInstanceOf(BadInput.class)
                .hasMessageContainingAll(folder.toString(), "cannot be written", "choose another OUTPUT_DIR");
    }

    @Test
    void time_left_reads_as_in_python() {
        assertThat(List.of(MetricsLog.clock(0), MetricsLog.clock(3661), MetricsLog.clock(86400 + 7203), MetricsLog.clock(3 * 86400)))
                .containsExactly("0:00:00", "1:01:01", "1 day, 2:00:03", "3 days, 0:00:00");
    }
}
