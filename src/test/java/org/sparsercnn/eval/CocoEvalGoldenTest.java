package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.eval.CocoOptions.AreaRange;
import org.sparsercnn.util.BadInput;

/** pycocotools 2.0.11 on ten cases: the 12 numbers, every category, and checksums over the whole result arrays. */
class CocoEvalGoldenTest {
    private static final double TOLERANCE = 1e-9;

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"small", "medium", "more_than_100", "no_gt_category", "crowd_ties_int", "no_gt_at_all",
        "cat_without_dt_and_unknown_cat", "area_boundary"})
    void equalsPycocotools(String name) throws IOException {
        compare(evaluate(name, CocoOptions.standard()), GoldenFiles.json(name + ".expected"));
    }

    @Test
    void noDetectionsGiveZerosWherePycocotoolsCrashes() throws IOException {
        compare(evaluate("empty_dt", CocoOptions.standard()), GoldenFiles.json("empty_dt.expected").get("if_empty_were_allowed"));
    }

    @Test
    void anUnknownImageIsRefusedWithItsId() {
        assertThatThrownBy(() -> evaluate("unknown_image", CocoOptions.standard())).isInstanceOf(BadInput.class)
                .hasMessageContaining("images that the ground truth does not list").hasMessageMatching("(?s).*image ids \\d+.*");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7})
    void theNumberOfThreadsChangesNoBit(int threads) throws IOException {
        CocoResult one = evaluate("medium", CocoOptions.standard().withThreads(1));
        CocoResult many = CocoEvaluation.evaluate(GroundTruth.read(folder.resolve("medium.gt.json")),
                ResultsJson.read(folder.resolve("medium.dt.json")), CocoOptions.standard().withThreads(threads));
        assertThat(many.summary().stats()).containsExactly(one.summary().stats());
        assertThat(many.toJson()).isEqualTo(one.toJson());
    }

    @Test
    void aFourthLimitLeavesTheTwelveNumbersAlone() throws IOException {
        CocoResult result = evaluate("more_than_100", CocoOptions.standard().withMaxDetections(1, 10, 100, 300));
        JsonNode expected = GoldenFiles.json("more_than_100.expected");
        for (int i = 0; i < 12; i++) {
            assertThat(result.summary().stats()[i]).isCloseTo(expected.get("stats").get(i).asDouble(), within(TOLERANCE));
        }
        assertThat(result.averagePrecisionAt(100)).isEqualTo(result.summary().get("AP"));
        // pycocotools with the same four limits; more detections bring more misses between the hits of other images
        assertThat(result.averagePrecisionAt(300)).isCloseTo(0.08700768198976831, within(TOLERANCE));
    }

    private CocoResult evaluate(String name, CocoOptions options) throws IOException {
        return CocoEvaluation.evaluate(GroundTruth.read(GoldenFiles.file(folder, name + ".gt")),
                ResultsJson.read(GoldenFiles.file(folder, name + ".dt")), options);
    }

    private static void compare(CocoResult result, JsonNode expected) {
        for (int i = 0; i < 12; i++) {
            assertThat(result.summary().stats()[i]).as(CocoSummary.NAMES.get(i))
                    .isCloseTo(expected.get("stats").get(i).asDouble(), within(TOLERANCE));
            assertThat(CocoSummary.NAMES.get(i)).isEqualTo(expected.get("stats_names").get(i).asText());
        }
        assertThat(result.categories().originalIds()).hasSize(expected.get("cat_ids").size());
        for (int k = 0; k < result.categories().size(); k++) {
            CocoSummary category = result.perCategory().get(k);
            JsonNode wanted = expected.get("per_category").get(Long.toString(result.categories().originalId(k)));
            String[][] names = {{"AP_all", "AP"}, {"AP50_all", "AP50"}, {"AP_small", "APs"}, {"AP_medium", "APm"}, {"AP_large", "APl"},
                {"AR_all", "AR100"}, {"AR_small", "ARs"}, {"AR_medium", "ARm"}, {"AR_large", "ARl"}};
            for (String[] pair : names) {
                assertThat(category.get(pair[1])).as(pair[0] + " of category " + k)
                        .isCloseTo(wanted.get(pair[0]).asDouble(), within(TOLERANCE));
            }
        }
        compareArrays(result.curves(), expected);
    }

    /** Sums over whole arrays, each entry weighted by its place, in pycocotools' order of dimensions. */
    private static void compareArrays(PrecisionRecall curves, JsonNode expected) {
        Checksum precision = new Checksum();
        Checksum scores = new Checksum();
        Checksum recall = new Checksum();
        for (int t = 0; t < 10; t++) {
            int threshold = t;
            for (int r = 0; r < 101; r++) {
                int index = r;
                forEachSetting(curves, (k, range, m) -> {
                    precision.add(curves.precision(threshold, index, k, range, m));
                    scores.add(curves.score(threshold, index, k, range, m));
                });
            }
            forEachSetting(curves, (k, range, m) -> recall.add(curves.recall(threshold, k, range, m)));
        }
        precision.matches(expected.get("precision_checksum").asDouble());
        scores.matches(expected.get("scores_checksum").asDouble());
        recall.matches(expected.get("recall_checksum").asDouble());
    }

    private interface Setting {
        void accept(int category, AreaRange range, int limit);
    }

    private static void forEachSetting(PrecisionRecall curves, Setting setting) {
        for (int k = 0; k < curves.categories().size(); k++) {
            for (AreaRange range : AreaRange.values()) {
                for (int m = 0; m < 3; m++) {
                    setting.accept(k, range, m);
                }
            }
        }
    }

    private static final class Checksum {
        private double sum;
        private long count;

        void add(double value) {
            sum += value * (count++ % 97 + 1);
        }

        void matches(double expected) {
            assertThat(sum).isCloseTo(expected, within(TOLERANCE * (1 + Math.abs(expected))));
        }
    }
}
