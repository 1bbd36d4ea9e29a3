package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What the recorded whole paths of test-time augmentation do not show. */
class ClassNmsTest {
    private static final float[] SAME = {0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 5};

    @Test
    void a_box_goes_only_for_a_better_one_of_its_class_with_more_than_the_threshold() {
        Detections all = new Detections(SAME, new float[] {0.5f, 0.9f, 0.4f}, new int[] {3, 3, 3});
        assertThat(new ClassNms(0.5).merge(all, -1).scores()).containsExactly(0.9f, 0.4f); // IoU of exactly 0.5 stays
        assertThat(new ClassNms(0.49).merge(all, -1).scores()).containsExactly(0.9f);
        assertThat(new ClassNms(0.5).merge(new Detections(SAME, all.scores(), new int[] {1, 2, 1}), -1).count()).isEqualTo(3);
    }

    @Test
    void a_dropped_box_drops_no_other() {
        float[] chain = {0, 0, 10, 10, 0, 3, 10, 13, 0, 6, 10, 16};
        assertThat(new ClassNms(0.5).merge(new Detections(chain, new float[] {0.9f, 0.8f, 0.7f}, new int[3]), -1).scores()).containsExactly(0.9f, 0.7f);
    }

    @Test
    void scores_of_nothing_and_boxes_that_are_not_finite_are_no_detections_and_empty_boxes_stay() {
        float[] boxes = {0, 0, 10, 10, 0, Float.NaN, 1, 1, 5, 5, 5, 5, 5, 5, 5, 5};
        Detections found = new ClassNms(0.5).merge(new Detections(boxes, new float[] {1e-9f, 0.9f, 0.3f, 0.2f}, new int[4]), 100);
        assertThat(found.scores()).containsExactly(0.3f, 0.2f);
        assertThat(new ClassNms(0.5).merge(found, 1).scores()).containsExactly(0.3f);
        assertThat(new ClassNms(0.5).merge(found, 0).count()).isZero();
    }
}
