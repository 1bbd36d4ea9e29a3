package org.sparsercnn.dist;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.GuardStop;

/** What becomes of an error of one rank, for all of them. */
class FailureTest {
    @Test
    void what_would_refuse_a_run_stops_one_that_has_begun() {
        BadInput bad = new BadInput("image 7 is empty");
        assertThat(Failure.of(1, "b", bad, false)).isEqualTo(new Failure(1, "b", "image 7 is empty", 2));
        assertThat(Failure.of(1, "b", bad, true).toException()).isInstanceOf(GuardStop.class).hasMessage("rank 1 on b: image 7 is empty");
        assertThat(Failure.of(1, "b", bad, false).toException()).isInstanceOf(BadInput.class).hasMessage("rank 1 on b: image 7 is empty");
    }

    @Test
    void others_stop_it() {
        assertThat(Failure.of(0, "a", new GuardStop("diverged"), true)).isEqualTo(new Failure(0, "a", "diverged", 3));
        assertThat(Failure.of(0, "a", new OutOfMemoryError("Java heap space"), false).message())
                .isEqualTo("rank 0 on a: out of memory (Java heap space); smaller images or batches need less, java -Xmx… gives Java more");
        assertThat(Failure.of(0, "a", new IllegalStateException("x"), true).reason()).contains("internal error", "log file", "IllegalStateException: x");
    }
}
