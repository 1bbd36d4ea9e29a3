package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.DataLoader;
import org.sparsercnn.util.Json;

class MetricsLogTest {
    private static final Logger LOG = (Logger) LoggerFactory.getLogger("sparsercnn.train");

    @TempDir
    Path folder;

    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();

    @BeforeEach
    void listen() {
        logged.start();
        LOG.addAppender(logged);
        LOG.setAdditive(false);
    }

    @AfterEach
    void silence() {
        LOG.detachAppender(logged);
        LOG.setAdditive(true);
    }

    private static Progress progress(long iteration, long steps, double loss, double seconds, double dataSeconds, long skipped) {
        return progress(iteration, steps, loss, seconds, dataSeconds, skipped, 1, 0);
    }

    private static Progress progress(long iteration, long steps, double loss, double seconds, double dataSeconds, long skipped, int ranks, double exposed) {
        Map<String, Float> terms = new LinkedHashMap<>();
        terms.put("loss_ce", (float) (2 * loss)); // in the order of SetCriterion
        terms.put("loss_ce_0", (float) loss);
        return new Progress(iteration, steps, new StepResult(terms, 3 * loss, 1, Double.isFinite(loss)), 1e-4, seconds, dataSeconds, 8,
                ranks, exposed, new DataLoader.Queue(6, 16, 0), skipped);
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

    private List<String> lines() {
        return logged.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Test
    void every_twentieth_step_and_the_last_give_a_row_of_medians() throws IOException {
        try (RunMetrics metrics = new RunMetrics(folder, 0)) {
            MetricsLog log = new MetricsLog(metrics, new LossWindow(), () -> 0);
            for (int i = 0; i < 45; i++) {
                log.afterStep(progress(i, 45, i == 30 ? Double.NaN : i, i < 3 ? 100 : 0.5, i < 20 ? 0.1 : 0.2, i < 30 ? 0 : 1));
            }
        }
        List<JsonNode> rows = rows();
        assertThat(rows.stream().map(r -> r.get("iteration").asInt())).containsExactly(19, 39, 44);
        assertThat(rows.getFirst().get("loss_ce_0").asDouble()).as("median of 0 … 19").isEqualTo(9.5);
        assertThat(rows.get(1).get("loss_ce_0").asDouble()).as("median of the last 20 without 30, which was not finite: 19 … 39").isEqualTo(28.5);
        assertThat(rows.getFirst().get("eta_seconds").asDouble()).as("25 steps of 0.5 s").isEqualTo(12.5);
        assertThat(rows.getFirst().get("images_per_second").asDouble()).isEqualTo(16);
        assertThat(rows.get(1).get("data_time").asDouble()).isEqualTo(0.2);
        assertThat(rows.stream().map(r -> r.get("skipped_steps").asInt())).containsExactly(0, 1, 1);
        assertThat(rows.getFirst().fieldNames()).toIterable().as("sorted, as detectron2's").containsExactly("data_time", "eta_seconds",
                "images_per_second", "iteration", "loss_ce", "loss_ce_0", "lr", "queue_ready", "skipped_steps", "time", "total_loss");
        assertThat(lines()).as("a line with each row").hasSize(3);
    }

    /** CommonMetricPrinter's fields in its order; time is the mean of all steps but the first three, data_time of the last 20. */
    @Test
    void the_line_is_detectron2s() {
        try (RunMetrics metrics = new RunMetrics(folder, 0)) {
            MetricsLog log = new MetricsLog(metrics, new LossWindow(), () -> 4_771_545_088L);
            for (int i = 0; i < 40; i++) {
                log.afterStep(progress(i, 270_000, 1.23456, i < 3 ? 60 : i < 20 ? 1 : 2, i < 20 ? 7 : 0.25, 0));
            }
        }
        // 17 steps of 1 s and 20 of 2 s: mean 57/37, median 2 s; 269,960 steps to go
        assertThat(lines().getLast()).isEqualTo(" eta: 6 days, 5:58:40  iter: 39  total_loss: 3.704  loss_ce: 2.469  loss_ce_0: 1.235"
                + "  time: 1.5405  data_time: 0.2500  lr: 0.0001  max_mem: 4551M  images/s: 4  queue: 6/16");
        assertThat(lines()).hasSize(2);
    }

    @Test
    void skipped_steps_are_counted_and_leave_no_number() throws IOException {
        try (RunMetrics metrics = new RunMetrics(folder, 0)) {
            MetricsLog log = new MetricsLog(metrics, new LossWindow(), () -> 0);
            log.afterStep(progress(0, 2, Double.NaN, 1, 0, 1));
            log.afterStep(progress(1, 2, Double.POSITIVE_INFINITY, 1, 0, 2));
        }
        assertThat(lines()).containsExactly(" eta: 0:00:00  iter: 1  time: 1.0000  data_time: 0.0000  lr: 0.0001  images/s: 8  queue: 6/16  skipped: 2");
        assertThat(rows()).singleElement().satisfies(row -> assertThat(row.has("total_loss")).isFalse());
    }

    @Test
    void several_ranks_have_their_share_of_images_and_the_time_of_sums_that_nothing_hid() throws IOException {
        try (RunMetrics metrics = new RunMetrics(folder, 0)) {
            MetricsLog log = new MetricsLog(metrics, new LossWindow(), () -> 0);
            for (int i = 0; i < 39; i++) {
                log.afterStep(progress(i, 40, Double.NaN, 1, 0, 0, 4, i == 0 ? 60 : i % 2 == 0 ? 0.25 : 0.5)); // the first learns the order
            }
            log.afterStep(progress(39, 40, Double.NaN, 1, 0, 0, 4, 0.5));
        }
        assertThat(lines().get(1)).isEqualTo(" eta: 0:00:00  iter: 39  time: 1.0000  data_time: 0.0000  lr: 0.0001  comm: 0.3750  images/s: 8 (2 each)"
                + "  queue: 6/16");
        assertThat(rows().get(1).get("comm_time").asDouble()).as("median").isEqualTo(0.375);
    }

    @Test
    void time_left_reads_as_in_python() {
        assertThat(List.of(MetricsLog.clock(0), MetricsLog.clock(3661), MetricsLog.clock(86400 + 7203), MetricsLog.clock(3 * 86400)))
                .containsExactly("0:00:00", "1:01:01", "1 day, 2:00:03", "3 days, 0:00:00");
    }
}
