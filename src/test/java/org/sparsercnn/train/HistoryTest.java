package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HistoryTest {
    private final History history = new History();

    @Test
    void nothing_has_no_middle() {
        assertThat(history.isEmpty()).isTrue();
        assertThat(history.median(20)).isNaN();
        assertThat(history.average(20)).isNaN();
        assertThat(history.average()).isNaN();
    }

    @Test
    void median_and_mean_are_those_of_the_window() {
        for (double v : new double[] {100, 7, 1, 3, 9}) {
            history.add(v);
        }
        assertThat(history.median(3)).as("of 1, 3, 9").isEqualTo(3);
        assertThat(history.median(4)).as("of 1, 3, 7, 9, as numpy").isEqualTo(5);
        assertThat(history.median(20)).as("of all").isEqualTo(7);
        assertThat(history.average(4)).isEqualTo(5);
        assertThat(history.average()).isEqualTo(24);
    }

    @Test
    void a_thousand_are_kept_and_the_mean_is_of_all() {
        for (int i = 0; i < 2500; i++) {
            history.add(i);
        }
        assertThat(history.median(1)).isEqualTo(2499);
        assertThat(history.median(1000)).isEqualTo(1999.5);
        assertThat(history.median(5000)).isEqualTo(1999.5);
        assertThat(history.average()).isEqualTo(1249.5);
    }

    @Test
    void cleared_it_begins_anew() {
        history.add(5);
        history.clear();
        history.add(2);
        assertThat(history.average()).isEqualTo(2);
        assertThat(history.median(20)).isEqualTo(2);
    }
}
