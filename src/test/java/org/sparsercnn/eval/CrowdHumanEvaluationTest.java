package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;
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
import org.sparsercnn.data.Metric;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/** What goes beyond the published script: images without persons, undefined numbers, files that do not suit it. */
class CrowdHumanEvaluationTest {
    private static final String TWO_PERSONS = """
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 20]}, {"id": 2, "image_id": 1, "category_id": 1, "bbox": [50, 0, 10, 20]}""";
    private static final String PERSON = "{\"id\": 1, \"name\": \"person\"}";

    @TempDir
    Path folder;

    private GroundTruth truth(String images, String annotations, String categories) throws IOException {
        return GroundTruth.read(Files.writeString(folder.resolve("truth.json"),
                "{\"images\": [%s], \"annotations\": [%s], \"categories\": [%s]}".formatted(images, annotations, categories)));
    }

    /** Images 1, 2, … of 100 x 100. */
    private GroundTruth truth(int images, String annotations) throws IOException {
        StringBuilder list = new StringBuilder();
        for (int id = 1; id <= images; id++) {
            list.append(id == 1 ? "" : ", ").append("{\"id\": %d, \"width\": 100, \"height\": 100}".formatted(id));
        }
        return truth(list.toString(), annotations, PERSON);
    }

    private static Detections found(double[]... imageScoreXy) {
        DetectionCollector collector = new DetectionCollector();
        for (double[] d : imageScoreXy) {
            collector.add((long) d[0], 1, d[1], d[2], d[3], 10, 20);
        }
        return collector.detections();
    }

    private static double[] at(int image, double score, double x, double y) {
        return new double[] {image, score, x, y};
    }

    private static CrowdHumanCurve standard(GroundTruth truth, Detections detections) {
        return CrowdHumanEvaluation.evaluate(truth, detections, CrowdHumanOptions.standard());
    }

    private static CrowdHumanCurve published(GroundTruth truth, Detections detections) {
        return CrowdHumanEvaluation.evaluate(truth, detections, CrowdHumanOptions.asPublished());
    }

    /** TEST.BEST_METRIC is held against them before there is a score. */
    @Test
    void the_names_of_a_score_are_known_before() throws IOException {
        GroundTruth truth = truth(2, TWO_PERSONS);
        for (Metric metric : Metric.values()) {
            Score score = Score.of(metric, truth, found(at(1, 0.9, 0, 0)), 1);
            assertThat(score.percentages().sequencedKeySet().stream().toList()).isEqualTo(Score.names(metric, CategoryMap.ofNames(List.of("person"))));
        }
    }

    /** One person found, a false positive, the other person: with 20 images 0.05 false positives an image, with 1 a whole one. */
    @Test
    void images_without_persons_count() throws IOException {
        Detections detections = found(at(1, 0.9, 0, 0), at(1, 0.8, 20, 50), at(1, 0.7, 50, 0));
        CrowdHumanCurve one = standard(truth(1, TWO_PERSONS), detections);
        CrowdHumanCurve many = standard(truth(20, TWO_PERSONS), detections);
        assertThat(one.images()).isEqualTo(1);
        assertThat(many.images()).isEqualTo(20);
        assertThat(one.logAverageMissRate()).as("missed half before the first false positive").isCloseTo(0.5, within(1e-12));
        assertThat(many.logAverageMissRate()).as("three of nine rates are below 0.05").isZero();
        assertThat(many.averagePrecision()).isEqualTo(one.averagePrecision());
        assertThat(published(truth(20, TWO_PERSONS), detections).logAverageMissRate()).isEqualTo(one.logAverageMissRate());
    }

    @Test
    void a_detection_on_an_image_without_persons_is_a_false_positive() throws IOException {
        CrowdHumanCurve curve = standard(truth(3, TWO_PERSONS), found(at(2, 0.9, 0, 0), at(1, 0.8, 0, 0)));
        assertThat(curve.hits()).containsExactly(0, 1);
        assertThat(curve.falsePositivesPerImage(0)).isEqualTo(1.0 / 3);
    }

    @Test
    void regions_to_ignore_come_from_iscrowd_and_from_ignore() throws IOException {
        String flagged = TWO_PERSONS + """
                , {"id": 3, "image_id": 1, "category_id": 1, "bbox": [20, 20, 60, 60], "ignore": 1},
                {"id": 4, "image_id": 2, "category_id": 1, "bbox": [0, 0, 60, 60], "iscrowd": 1}""";
        Detections detections = found(at(1, 0.9, 30, 30), at(2, 0.8, 5, 5), at(2, 0.7, 5, 5));
        CrowdHumanCurve ours = standard(truth(2, flagged), detections);
        assertThat(ours.ignored()).isEqualTo(2);
        assertThat(ours.persons()).isEqualTo(2);
        assertThat(ours.count()).isZero();
        CrowdHumanCurve theirs = published(truth(2, flagged), detections);
        assertThat(theirs.ignored()).isEqualTo(1);
        assertThat(theirs.count()).as("the script does not know \"ignore\"").isEqualTo(1);
    }

    @Test
    void who_finds_nothing_misses_all() throws IOException {
        CrowdHumanCurve curve = standard(truth(2, TWO_PERSONS), found());
        assertThat(curve.averagePrecision()).isZero();
        assertThat(curve.recall()).isZero();
        assertThat(curve.logAverageMissRate()).isEqualTo(1);
    }

    @Test
    void where_nobody_is_there_are_no_numbers_and_no_crash() throws IOException {
        for (Detections detections : new Detections[] {found(), found(at(1, 0.5, 0, 0)), found(at(1, 0.5, 0, 0), at(2, 0.4, 0, 0))}) {
            CrowdHumanCurve curve = standard(truth(2, ""), detections);
            assertThat(curve.images()).isEqualTo(2);
            assertThat(curve.averagePrecision()).isNaN();
            assertThat(curve.recall()).isNaN();
            assertThat(curve.logAverageMissRate()).isNaN();
        }
        Score score = Score.of(Metric.CROWDHUMAN, truth(2, ""), found(), 1);
        assertThat(score.text()).contains("AP : n/a\nmMR : n/a\nRecall : n/a\n", "|  n/a  |", "Images 2, persons 0, regions to ignore 0; detections that count 0")
                .doesNotContain("NaN");
        JsonNode json = Json.MAPPER.valueToTree(score.toJson());
        assertThat(json.get("mMR").isNull()).isTrue();
        assertThat(json.get("coco").get("stats").get(0).asDouble()).isEqualTo(-1);
    }

    /** The area begins at the first detection, so n persons found without a mistake are 1 - 1/n. */
    @Test
    void the_ground_truth_itself_scores_almost_one() throws IOException {
        GroundTruth truth = truth(2, TWO_PERSONS);
        CrowdHumanCurve curve = standard(truth, Detections.ofTruth(truth));
        assertThat(curve.averagePrecision()).isEqualTo(0.5);
        assertThat(curve.logAverageMissRate()).isZero();
        assertThat(curve.recall()).isEqualTo(1);
    }

    @Test
    void the_score_names_its_numbers() throws IOException {
        GroundTruth truth = truth(1, TWO_PERSONS);
        Score score = Score.of(Metric.CROWDHUMAN, truth, found(at(1, 0.9, 0, 0), at(1, 0.8, 50, 0), at(1, 0.7, 20, 50)), 1);
        assertThat(score.metric().label()).isEqualTo("CrowdHuman");
        assertThat(score.percentages().keySet()).containsExactly("AP", "mMR", "Recall", "COCO-AP", "COCO-AP50", "COCO-AP75", "COCO-APs",
                "COCO-APm", "COCO-APl");
        assertThat(score.percentages()).containsEntry("AP", 50.0).containsEntry("mMR", 0.0).containsEntry("Recall", 100.0);
        assertThat(score.percentages().get("COCO-AP50")).isCloseTo(100, within(1e-9));
        assertThat(score.lowerIsBetter("mMR")).isTrue();
        assertThat(score.lowerIsBetter("AP")).isFalse();
        assertThat(score.text()).startsWith("""
                AP : 0.5
                mMR : 0.0
                Recall : 1.0

                |   AP   |  mMR  |  Recall  |
                |:------:|:-----:|:--------:|
                | 50.000 | 0.000 | 100.000  |
                Images 1, persons 2, regions to ignore 0; detections that count 3: hits 2, false positives 1

                COCO's numbers, for information:
                 Average Precision""");
        JsonNode json = Json.MAPPER.valueToTree(score.toJson());
        assertThat(json.fieldNames()).toIterable().containsExactly("metric", "AP", "mMR", "Recall", "images", "persons", "ignored", "detections",
                "hits", "coco");
        assertThat(json.get("AP").asDouble()).isEqualTo(0.5);
        assertThat(json.get("coco").get("stats")).hasSize(12);
    }

    @Test
    void files_that_do_not_suit_the_metric_are_refused() throws IOException {
        GroundTruth sizeless = truth("{\"id\": 7}", TWO_PERSONS.replace("\"image_id\": 1", "\"image_id\": 7"), PERSON);
        assertThatThrownBy(() -> standard(sizeless, found(at(7, 0.9, 0, 0)))).isInstanceOf(BadInput.class)
                .hasMessageContaining("image id 7 has no \"width\" or \"height\"").hasMessageContaining("add them");
        GroundTruth twoClasses = truth("{\"id\": 1}", "", PERSON + ", {\"id\": 2, \"name\": \"head\"}");
        assertThatThrownBy(() -> standard(twoClasses, found())).isInstanceOf(BadInput.class)
                .hasMessageContaining("the ground truth has 2 classes (person, head), but CrowdHuman's metric is for one; score it by COCO's");
        assertThatThrownBy(() -> standard(truth(1, TWO_PERSONS), found(at(9, 0.9, 0, 0)))).isInstanceOf(BadInput.class)
                .hasMessageContaining("image ids 9");
    }

    @Test
    void detections_that_cannot_be_scored_are_left_out() throws IOException {
        DetectionCollector collector = new DetectionCollector();
        collector.add(1, 1, Double.NaN, 0, 0, 10, 20);
        collector.add(1, 5, 0.9, 0, 0, 10, 20); // no such category
        collector.add(1, 1, 0.5, 0, 0, 10, 20);
        assertThat(standard(truth(1, TWO_PERSONS), collector.detections()).scores()).containsExactly(0.5);
    }
}
