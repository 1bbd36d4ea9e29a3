package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparsercnn.data.CategoryMap;

class ClassRowsTest {
    private static ClassRows rows(List<String> before, List<String> now) {
        return ClassRows.between(CategoryMap.ofNames(before), CategoryMap.ofNames(now)).orElseThrow();
    }

    @Test
    void a_class_keeps_its_row_wherever_it_stands_now() {
        ClassRows rows = rows(List.of("cat", "dog", "cow"), List.of("cow", "owl", "cat"));
        assertThat(rows.carried(new float[] {1, 2, 3, 4, 5, 6}, new float[] {-1, -1, -2, -2, -3, -3}, 2)).containsExactly(5, 6, -2, -2, 1, 2);
        assertThat(rows).hasToString("carried over: cow, cat; new, as initialised: owl; in the file only: dog");
        assertThat(rows.isSame()).isFalse();
    }

    @Test
    void the_background_is_the_last_row_where_both_have_one() {
        ClassRows rows = rows(List.of("cat", "dog"), List.of("dog"));
        assertThat(rows.fit(3, 2)).isTrue();
        assertThat(rows.carried(new float[] {1, 2, 9}, new float[] {-1, -2}, 1)).containsExactly(2, 9);
        assertThat(rows.carried(new float[] {1, 2, 9}, new float[] {-1}, 1)).as("sigmoid now").containsExactly(2);
        assertThat(rows.carried(new float[] {1, 2}, new float[] {-1, -2}, 1)).as("sigmoid before").containsExactly(2, -2);
        assertThat(rows.fit(4, 1)).isFalse();
        assertThat(rows.fit(2, 3)).isFalse();
    }

    @Test
    void names_that_occur_twice_tell_nothing() {
        assertThat(ClassRows.between(CategoryMap.ofNames(List.of("cat", "cat")), CategoryMap.ofNames(List.of("cat")))).isEmpty();
        assertThat(ClassRows.between(CategoryMap.ofNames(List.of("cat")), CategoryMap.ofNames(List.of("cat", "cat")))).isEmpty();
        assertThat(rows(List.of("cat", "dog"), List.of("cat", "dog")).isSame()).isTrue();
    }
}
