package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class CategoryMapTest {
    @Test
    void classesAreOrderedByOriginalId() {
        CategoryMap map = new CategoryMap(new long[] {90, 3, -4, 17}, List.of("d", "b", "a", "c"));
        assertThat(map.names()).containsExactly("a", "b", "c", "d");
        assertThat(map.originalIds()).containsExactly(-4, 3, 17, 90);
        for (int k = 0; k < map.size(); k++) {
            assertThat(map.indexOf(map.originalId(k))).isEqualTo(k);
        }
        assertThat(map.indexOf(4)).isEqualTo(-1);
        assertThat(map.contiguousFromOne()).isFalse();
        assertThat(map).isEqualTo(new CategoryMap(map.originalIds(), map.names())).isNotEqualTo(CategoryMap.ofNames(map.names()));
    }

    @Test
    void cocoHasItsHoles() {
        CategoryMap coco = CategoryMap.coco();
        assertThat(coco.size()).isEqualTo(80);
        assertThat(coco.name(0)).isEqualTo("person");
        assertThat(coco.originalId(79)).isEqualTo(90);
        assertThat(coco.name(79)).isEqualTo("toothbrush");
        assertThat(coco.name(coco.indexOf(13))).isEqualTo("stop sign");
        assertThat(coco.name(coco.indexOf(70))).isEqualTo("toilet");
        assertThat(LongStream.of(12, 26, 29, 30, 45, 66, 68, 69, 71, 83).mapToInt(coco::indexOf)).containsOnly(-1);
    }

    @Test
    void classesWithoutIdsCountFromOne() {
        assertThat(CategoryMap.ofNames(List.of("x", "y")).originalIds()).containsExactly(1, 2);
        assertThat(CategoryMap.ofCount(3).names()).containsExactly("class 1", "class 2", "class 3");
        assertThat(CategoryMap.ofCount(3).contiguousFromOne()).isTrue();
    }

    @Test
    void repeatedIdsAreRefusedAndRepeatedNamesFound() {
        assertThatIllegalArgumentException().isThrownBy(() -> new CategoryMap(new long[] {1, 1}, List.of("a", "b")));
        assertThat(new CategoryMap(new long[] {1, 2, 3}, List.of("a", "b", "a")).repeatedNames()).containsExactly("a");
    }
}
