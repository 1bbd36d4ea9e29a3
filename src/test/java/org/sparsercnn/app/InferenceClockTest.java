package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class InferenceClockTest {
    private long now = 1000;

    private InferenceClock clock(int images) {
        return new InferenceClock(images, 2, () -> now);
    }

    /** An image that takes so many milliseconds to come, to be computed (half of that the network) and to be stored. */
    private void image(InferenceClock clock, int data, int compute, int eval, List<String> lines) {
        now += data * 1_000_000L;
        clock.loaded();
        now += compute * 1_000_000L;
        clock.computed(compute * 0.5e-3);
        now += eval * 1_000_000L;
        clock.stored().ifPresent(lines::add);
    }

    @Test
    void lines_are_detectron2s_from_the_eleventh_image_on_and_every_five_seconds() {
        InferenceClock clock = clock(87);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 87; i++) {
            image(clock, i < 5 ? 3000 : 10, i < 5 ? 4000 : 300, i < 5 ? 1000 : 5, lines);
        }
        assertThat(lines.getFirst()).isEqualTo("Inference done 11/87. Dataloading: 0.0100 s/iter. Inference: 0.3000 s/iter. Eval: 0.0050 s/iter."
                + " Total: 0.3150 s/iter. ETA=0:00:23");
        assertThat(lines.get(1)).startsWith("Inference done 27/87.");
        assertThat(lines).hasSize(5);
        assertThat(clock.summary().lines()).containsExactly("Total inference time: 0:00:25.830000 (0.315000 s / iter per device, on 2 devices)",
                "Total inference pure compute time: 0:00:24 (0.300000 s / iter per device, on 2 devices; network 0.150000, boxes 0.150000)");
    }

    @Test
    void slow_images_are_reported_from_the_first() {
        InferenceClock clock = clock(3);
        List<String> lines = new ArrayList<>();
        image(clock, 0, 6000, 0, lines);
        assertThat(lines).containsExactly("Inference done 1/3. Dataloading: 0.0000 s/iter. Inference: 6.0000 s/iter. Eval: 0.0000 s/iter."
                + " Total: 6.0000 s/iter. ETA=0:00:12");
    }

    @Test
    void one_image_and_none_are_counted_too() {
        InferenceClock clock = clock(1);
        image(clock, 100, 200, 0, new ArrayList<>());
        assertThat(clock.summary()).contains("0.300000 s / iter", "0.200000 s / iter");
        assertThat(clock(0).summary()).contains("(0.000000 s / iter");
    }

    @Test
    void an_evaluation_that_is_stopped_counts_what_was_done() {
        InferenceClock clock = clock(100);
        image(clock, 100, 200, 0, new ArrayList<>());
        image(clock, 100, 200, 0, new ArrayList<>());
        assertThat(clock.summary()).contains("0.300000 s / iter").startsWith("Total inference time: 0:00:00.600000");
    }
}
