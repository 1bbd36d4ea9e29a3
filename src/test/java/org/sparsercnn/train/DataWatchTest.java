package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.DataLoader;

class DataWatchTest {
    private static final Logger LOG = (Logger) LoggerFactory.getLogger("sparsercnn.train");
    private static final StepResult STEP = new StepResult(Map.of(), 0, 0, true);

    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
    private long step;
    private double work;

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

    /** Steps of 16 images and so many seconds, with the queue as it is, and workers that spend {@code workPerStep}. */
    private void steps(DataWatch watch, int count, double seconds, double dataSeconds, int ready, int capacity, double workPerStep) {
        for (int i = 0; i < count; i++) {
            work += workPerStep;
            watch.afterStep(new Progress(step++, 1_000_000, STEP, 1e-4, seconds, dataSeconds, 16, 1, 0, new DataLoader.Queue(ready, capacity, work), 0));
        }
    }

    private List<String> said() {
        return logged.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Test
    void a_gpu_that_waits_gets_more_workers() {
        DataWatch watch = new DataWatch(true, 4, 1, 32);
        steps(watch, 219, 0.5, 0.215, 0, 32, 2);
        assertThat(said()).as("not before 20 and 200 steps").isEmpty();
        steps(watch, 1, 0.5, 0.215, 0, 32, 2);
        assertThat(said()).containsExactly("The GPU waits for data: raise DATALOADER.NUM_WORKERS, now 4, with 32 CPUs (data_time is 43 % of a step,"
                + " 0 of 32 images ready)");
        assertThat(logged.list.getFirst().getLevel()).isEqualTo(Level.WARN);
    }

    @Test
    void it_repeats_itself_ever_more_rarely() {
        steps(new DataWatch(true, 4, 1, 32), 30_000, 0.5, 0.2, 0, 32, 2);
        assertThat(said()).as("after 220, 2,220 and 22,220 steps").hasSize(3);
    }

    @Test
    void the_first_steps_do_not_count() {
        DataWatch watch = new DataWatch(true, 4, 1, 32);
        steps(watch, 20, 60, 60, 0, 32, 2);
        steps(watch, 200, 0.5, 0.01, 20, 32, 2);
        assertThat(said()).isEmpty();
    }

    @Test
    void a_cpu_is_not_called_a_gpu() {
        steps(new DataWatch(false, 1, 1, 2), 220, 1, 0.3, 0, 4, 1);
        assertThat(said()).singleElement().asString().startsWith("Training waits for data: raise DATALOADER.NUM_WORKERS, now 1, with 2 CPUs")
                .doesNotContain("GPU");
    }

    @Test
    void without_workers_the_first_one_is_asked_for() {
        steps(new DataWatch(true, 0, 1, 8), 220, 1, 0.3, 0, 0, 0.3);
        assertThat(said()).singleElement().asString().contains("NUM_WORKERS, which is 0", "(data_time is 30 % of a step)");
    }

    @Test
    void where_each_cpu_has_a_worker_an_image_must_get_cheaper() {
        steps(new DataWatch(true, 4, 2, 8), 220, 1, 0.5, 0, 32, 4);
        assertThat(said()).singleElement().asString().contains("as many workers as CPUs, 8, and an image takes one of them 500 ms", "libturbojpeg",
                "INPUT.MIN_SIZE_TRAIN");
    }

    @Test
    void idle_workers_are_counted_by_what_they_did() {
        // 1.1 s of work a step of 1 s: two workers with some reserve
        steps(new DataWatch(true, 16, 1, 32), 2_020, 1, 0.002, 31, 32, 1.1);
        assertThat(said()).containsExactly("Data workers are idle: DATALOADER.NUM_WORKERS 2 would do (now 16; 31 of 32 images ready, no waiting for data)");
        assertThat(logged.list.getFirst().getLevel()).isEqualTo(Level.INFO);
    }

    @Test
    void workers_that_are_needed_are_left_in_peace() {
        steps(new DataWatch(true, 4, 1, 32), 1_020, 1, 0.002, 31, 32, 2.5); // full, but four will do only just
        steps(new DataWatch(true, 16, 1, 32), 1_020, 1, 0.002, 16, 32, 0.5); // a queue that is half empty at times
        steps(new DataWatch(true, 16, 1, 32), 1_020, 1, 0.05, 31, 32, 0.5); // some waiting
        steps(new DataWatch(false, 1, 1, 2), 1_020, 1, 0, 4, 4, 0.01); // one is the least
        steps(new DataWatch(false, 0, 1, 2), 1_020, 1, 0.2, 0, 0, 0.2); // on a CPU a worker would take that time from the computation
        assertThat(said()).isEmpty();
    }
}
