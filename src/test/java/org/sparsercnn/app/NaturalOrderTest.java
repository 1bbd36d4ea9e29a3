package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class NaturalOrderTest {
    @Test
    void numbers_in_names_count() {
        List<String> wanted = List.of("a", "a01", "a1", "a2", "a2b", "a10", "a10-9", "a10-10", "a99999999999999999999", "b", "c/2.png", "c/10.png");
        List<String> names = new ArrayList<>(wanted);
        Collections.reverse(names);
        names.sort(new NaturalOrder());
        assertThat(names).isEqualTo(wanted);
    }
}
