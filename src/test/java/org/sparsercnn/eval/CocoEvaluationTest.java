package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.eval.CocoOptions.AreaRange;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class CocoEvaluationTest {
    private static final CategoryMap CATEGORIES = new CategoryMap(new long[] {3, 8}, List.of("cat", "dog"));

    @TempDir
    Path folder;

    @Test
    void aPerfectDetectorScoresOne() throws IOException {
        SampleEvaluation.write(folder, 30, 5, 4, 1);
        GroundTruth truth = GroundTruth.read(folder.resolve("gt.json"));
        CocoResult result = CocoEvaluation.evaluate(truth, Detections.ofTruth(truth));
        for (String name : List.of("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100", "ARs", "ARm", "ARl")) {
            assertThat(result.summary().get(name)).as(name).isCloseTo(1, within(1e-12));
        }
    }

    @Test
    void theOrderOfImagesAndCategoriesInTheFilesDoesNotMatter() throws IOException {
        GroundTruth truth = truth("""
                {"id": 1, "image_id": 5, "category_id": 8, "bbox": [0, 0, 10, 10]}, {"id": 2, "image_id": 1, "category_id": 3, "bbox": [5, 5, 20, 20]}""");
        DetectionCollector collector = new DetectionCollector();
        collector.add(1, 3, 0.5, 5, 5, 20, 20);
        collector.add(5, 8, 0.5, 0, 0, 10, 10);
        assertThat(CocoEvaluation.evaluate(truth, collector.detections()).summary().get("AP")).isCloseTo(1, within(1e-12));
    }

    @Test
    void aMatchOfAnnotationZeroCountsAsUpstream() throws IOException {
        GroundTruth truth = truth("""
                {"id": 0, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 40]}""");
        assertThat(CocoEvaluation.evaluate(truth, Detections.ofTruth(truth)).summary().get("AP")).isZero();
    }

    @Test
    void numbersThatAreNotFiniteAndUnknownCategoriesAreLeftOut() throws IOException {
        GroundTruth truth = truth("""
                {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 40]}""");
        DetectionCollector collector = new DetectionCollector();
        collector.add(1, 3, Double.NaN, 0, 0, 40, 40);
        collector.add(1, 3, 0.9, 0, Double.NEGATIVE_INFINITY, 40, 40);
        collector.add(1, 99, 0.9, 100, 100, 40, 40);
        collector.add(1, 3, 0.1, 0, 0, 40, 40);
        assertThat(CocoEvaluation.evaluate(truth, collector.detections()).summary().get("AP")).isCloseTo(1, within(1e-12));
    }

    @Test
    void groundTruthMustBeFinite() {
        assertThatThrownBy(() -> truth("""
                {"id": 12, "image_id": 1, "category_id": 3, "bbox": [0, NaN, 40, 40]}""")).isInstanceOf(BadInput.class)
                .hasMessageContaining("1 boxes hold numbers that are not finite (annotation ids 12)");
    }

    @Test
    void theLimitCountsPerImageAndCategory() throws IOException {
        GroundTruth truth = truth("""
                {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 40]},
                {"id": 2, "image_id": 1, "category_id": 8, "bbox": [0, 0, 40, 40]}""");
        CocoResult result = CocoEvaluation.evaluate(truth, Detections.ofTruth(truth), CocoOptions.standard().withMaxDetections(1));
        assertThat(result.summary().get("AR100")).isCloseTo(1, within(1e-12));
        assertThat(result.summary().limits()).containsExactly(1, 1, 1);
        assertThat(result.averagePrecisionAt(1)).isEqualTo(result.summary().get("AP"));
        assertThatIllegalArgumentException().isThrownBy(() -> result.averagePrecisionAt(100));
        assertThatIllegalArgumentException().isThrownBy(() -> CocoOptions.standard().withMaxDetections(10, 1));
    }

    @Test
    void jsonAndPercentagesCarryIdsNamesAndUndefinedNumbers() throws IOException {
        GroundTruth truth = truth("""
                {"id": 1, "image_id": 1, "category_id": 8, "bbox": [0, 0, 40, 40]}""");
        CocoResult result = CocoEvaluation.evaluate(truth, Detections.ofTruth(truth), CocoOptions.standard().withThreads(1));
        JsonNode json = Json.MAPPER.valueToTree(result.toJson());
        assertThat(json.get("stats")).hasSize(12);
        assertThat(json.get("stats").get(3).asDouble()).isEqualTo(-1); // no small object
        assertThat(json.get("per_category").get(0).get("id").asInt()).isEqualTo(3);
        assertThat(json.get("per_category").get(0).get("AP").asDouble()).isEqualTo(-1);
        assertThat(json.get("per_category").get(1).get("name").asText()).isEqualTo("dog");
        assertThat(json.get("ap_at").get("100").asDouble()).isEqualTo(result.summary().get("AP"));
        assertThat(result.percentages().keySet()).containsExactly("AP", "AP50", "AP75", "APs", "APm", "APl", "AP-cat", "AP-dog");
        assertThat(result.percentages().get("AP-dog")).isCloseTo(100, within(1e-9));
        assertThat(result.percentages().get("AP-cat")).isNaN();
        assertThat(result.curves().curve(0, 1, AreaRange.ALL, 2)).hasSize(101).containsOnly(1 / (1 + Math.ulp(1.0)));
        assertThat(result.curves().curve(0, 0, AreaRange.ALL, 2)).containsOnly(-1);
    }

    private GroundTruth truth(String annotations) throws IOException {
        return GroundTruth.read(Files.writeString(folder.resolve("truth.json"), """
                {"images": [{"id": 5}, {"id": 1}], "annotations": [%s],
                 "categories": [{"id": 8, "name": "dog"}, {"id": 3, "name": "cat"}]}""".formatted(annotations)));
    }

    @Test
    void theCollectorSubtractsInFloat32() {
        DetectionCollector collector = new DetectionCollector();
        collector.add(4, new float[] {0.1f, 0.2f, 100.7f, 50.3f}, new float[] {0.3f}, new int[] {1}, CATEGORIES);
        Detections detections = collector.detections();
        assertThat(detections.categoryIds()).containsExactly(8);
        assertThat(detections.boxesXywhPx()).containsExactly(0.1f, 0.2f, 100.7f - 0.1f, 50.3f - 0.2f);
        assertThat(detections.scores()).containsExactly(0.3f);
    }
}
