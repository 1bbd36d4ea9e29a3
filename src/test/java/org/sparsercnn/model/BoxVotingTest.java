package org.sparsercnn.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.testing.Golden;

/** Voting beside the published one. */
class BoxVotingTest {
    private static final double SAME = 1e-12;

    @TestFactory
    Stream<DynamicTest> recorded_votes() {
        Golden golden = Golden.load("tta");
        JsonNode votes = golden.json().get("votes");
        assertThat(votes).hasSize(21);
        return StreamSupport.stream(votes.spliterator(), false).map(v -> DynamicTest.dynamicTest(v.get("name").asText(), () -> check(golden, v)));
    }

    private static void check(Golden golden, JsonNode vote) {
        String prefix = "vote_" + vote.get("name").asText() + "/";
        Detections in = DetectionPairs.recorded(golden, prefix);
        BoxVoting voting = new BoxVoting((float) vote.get("vote_thresh").asDouble(), vote.get("type").asText().equals("vote") ? Float.POSITIVE_INFINITY : 0.05f);
        Detections found = voting.merge(in, vote.get("max_detection").asInt());
        if (vote.has("error")) { // nothing to vote on, or a type of voting that only the published code has a name for
            assertThat(found.count() == 0).isEqualTo(in.count() == 0);
            return;
        }
        // Scores to the last digit. A mean's sums are float32 in another order there, at the coordinates with the class's offset.
        DetectionPairs.assertSame(found, DetectionPairs.recorded(golden, prefix + "out_"), 3 * DetectionPairs.ulpAtOffset(in), SAME);
    }

    private static Detections detections(float[] boxes, float[] scores, int... classes) {
        return new Detections(boxes, scores, classes);
    }

    @Test
    void boxes_that_are_not_finite_do_not_take_the_others_with_them() {
        Detections found = BoxVoting.PUBLISHED.merge(detections(new float[] {0, 0, 9, 9, Float.NaN, 0, 1, 1, 0, 0, Float.POSITIVE_INFINITY, 5}, new float[] {0.5f, 0.9f, 0.8f}, 1, 0, 2), 10);
        assertThat(found.boxesXyxyPx()).containsExactly(0, 0, 9, 9);
        assertThat(found.classes()).containsExactly(1);
    }

    @Test
    void a_group_without_any_score_keeps_its_first_box() {
        Detections found = BoxVoting.PUBLISHED.merge(detections(new float[] {0, 0, 10, 10, 0, 0, 10, 9}, new float[] {0, 0}, 0, 0), 10);
        assertThat(found.boxesXyxyPx()).containsExactly(0, 0, 10, 10);
        assertThat(found.scores()).containsExactly(0);
    }
}
