package org.sparsercnn.util;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ExamplesTest {
    @Test
    void ten_are_shown_and_all_are_counted() {
        assertThat(Examples.of(LongStream.empty())).hasToString("");
        assertThat(Examples.of(LongStream.rangeClosed(1, 10))).hasToString("1, 2, 3, 4, 5, 6, 7, 8, 9, 10");
        Examples eleven = Examples.of(LongStream.rangeClosed(1, 11));
        assertThat(eleven).hasToString("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …");
        assertThat(eleven.count()).isEqualTo(11);
    }

    @Test
    void those_of_several_places_add_up() {
        Examples all = Examples.of(LongStream.rangeClosed(1, 8));
        all.add(Examples.of(LongStream.rangeClosed(21, 40)));
        assertThat(all).hasToString("1, 2, 3, 4, 5, 6, 7, 8, 21, 22, …");
        assertThat(all.count()).isEqualTo(28);
    }
}
