package org.sparsercnn.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.Metric;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * The published CrowdHuman script (crowdhuman_eval.py of Sparse R-CNN) on random data sets and edge cases: {@code
 * golden/crowdhuman.json.gz}, the recorded inputs, counts, curves and numbers without the keys the script does not look at.
 */
class CrowdHumanGoldenTest {
    /** Everything but mMR is equal to the last bit; there logarithms and their sum may differ by rounding. */
    private static final double LOGARITHMS = 1e-12;

    private static final CrowdHumanOptions PUBLISHED = CrowdHumanOptions.asPublished();
    private static JsonNode golden;

    @TempDir
    static Path folder;

    @BeforeAll
    static void read() throws IOException {
        try (InputStream in = new GZIPInputStream(CrowdHumanGoldenTest.class.getResourceAsStream("/golden/crowdhuman.json.gz"))) {
            golden = Json.MAPPER.readTree(in);
        }
    }

    private static GroundTruth truth(JsonNode coco) {
        Path file = folder.resolve("gt.json");
        Json.write(file, coco);
        return GroundTruth.read(file);
    }

    private static Detections detections(JsonNode coco) {
        Path file = folder.resolve("dt.json");
        Json.write(file, coco);
        return ResultsJson.read(file);
    }

    @TestFactory
    Stream<DynamicTest> data_sets() {
        assertThat(golden.get("cases")).hasSize(6);
        return StreamSupport.stream(golden.get("cases").spliterator(), false).map(c -> dynamicTest(c.get("name").asText(), () -> {
            GroundTruth truth = truth(c.get("coco_gt"));
            Detections detections = detections(c.get("coco_dt"));
            compare(CrowdHumanEvaluation.evaluate(truth, detections, PUBLISHED), c.get("result"));
            compare(CrowdHumanEvaluation.evaluate(truth, detections, new CrowdHumanOptions(0.7, true)), c.get("result_thres_0.7"));
        }));
    }

    @Test
    void the_lines_printed_are_those_of_the_script() {
        JsonNode first = golden.get("cases").get(0);
        Score score = Score.of(Metric.CROWDHUMAN, truth(first.get("coco_gt")), detections(first.get("coco_dt")), 1);
        assertThat(score.text()).startsWith(first.get("printed").asText());
    }

    private static void compare(CrowdHumanCurve found, JsonNode wanted) {
        assertThat(found.images()).isEqualTo(wanted.get("num_images").asInt());
        assertThat(found.persons() + found.ignored()).isEqualTo(wanted.get("num_gt").asInt());
        assertThat(found.ignored()).isEqualTo(wanted.get("num_ignored").asInt());
        assertThat(found.count()).isEqualTo(wanted.get("num_scored").asInt());
        assertThat(found.found()).isEqualTo(wanted.get("num_tp").asInt());
        if (wanted.has("AP_error")) {
            assertThat(found.averagePrecision()).isNaN();
            assertThat(found.recall()).isNaN();
        } else {
            assertThat(found.averagePrecision()).isEqualTo(number(wanted.get("AP")));
            assertThat(found.recall()).isEqualTo(number(wanted.get("recall")));
        }
        close(found.logAverageMissRate(), number(wanted.get("mMR")));
        curve(found, wanted.get("recall_curve"), found::recall);
        curve(found, wanted.get("precision_curve"), found::precision);
        curve(found, wanted.get("fppi_curve"), found::falsePositivesPerImage);
        curve(found, wanted.get("missrate_curve"), found::missRate);
        if (wanted.has("scorelist")) {
            int hits = 0;
            for (int k = 0; k < found.count(); k++) {
                JsonNode entry = wanted.get("scorelist").get(k);
                assertThat(found.scores()[k]).isEqualTo(entry.get(0).asDouble());
                assertThat(found.hits()[k]).isEqualTo(hits += entry.get(1).asInt());
            }
        }
    }

    private static void curve(CrowdHumanCurve found, JsonNode wanted, IntToDoubleFunction value) {
        if (wanted != null) {
            assertThat(wanted).hasSize(found.count());
            for (int k = 0; k < found.count(); k++) {
                assertThat(value.applyAsDouble(k)).isEqualTo(wanted.get(k).asDouble());
            }
        }
    }

    private static void close(double found, double wanted) {
        if (Double.isNaN(wanted)) {
            assertThat(found).isNaN();
        } else {
            assertThat(found).isCloseTo(wanted, within(LOGARITHMS));
        }
    }

    /** Boxed, so that NaN equals NaN. */
    private static Double number(JsonNode node) {
        return node.isTextual() ? Double.NaN : node.asDouble();
    }

    /** Records of the script's own format, one an image, as the annotations and results they are made of. */
    private static final class Records {
        private final Map<Long, JsonNode> truth = new LinkedHashMap<>(); // of two with one id the script keeps the last
        private final Map<Long, JsonNode> found = new LinkedHashMap<>();
        private final String body;
        private final String key;
        private final Predicate<JsonNode> ignored;

        Records(JsonNode at, String body, String key, Predicate<JsonNode> ignored) {
            at.get("gt_odgt").forEach(record -> truth.put(record.get("ID").asLong(), record));
            at.get("dt_odgt").forEach(record -> found.put(record.get("ID").asLong(), record));
            this.body = body;
            this.key = key;
            this.ignored = ignored;
        }

        GroundTruth truth() {
            ObjectNode coco = Json.MAPPER.createObjectNode();
            coco.putArray("categories").addObject().put("id", 1).put("name", "person");
            ArrayNode images = coco.putArray("images");
            ArrayNode annotations = coco.putArray("annotations");
            truth.forEach((id, record) -> {
                images.addObject().put("id", id).set("width", record.get("width"));
                ((ObjectNode) images.get(images.size() - 1)).set("height", record.get("height"));
                record.get("gtboxes").forEach(box -> annotations.addObject().put("id", annotations.size() + 1).put("image_id", id)
                        .put("category_id", 1).put("iscrowd", ignored.test(box) ? 1 : 0).set("bbox", box.get(body)));
            });
            return CrowdHumanGoldenTest.truth(coco);
        }

        Detections detections() {
            DetectionCollector collector = new DetectionCollector();
            found.forEach((id, record) -> record.get("dtboxes").forEach(d -> {
                JsonNode box = d.get(key);
                collector.add(id, 1, d.get("score").asDouble(), box.get(0).asDouble(), box.get(1).asDouble(), box.get(2).asDouble(), box.get(3).asDouble());
            }));
            return collector.detections();
        }
    }

    /** A region is ignored for its flag, whatever it is but 0, and for any tag but that of a person. */
    private static boolean bodyIgnored(JsonNode box) {
        return !box.get("tag").asText().equals("person") || box.at("/extra/ignore").asInt(0) != 0;
    }

    private static boolean headIgnored(JsonNode box) {
        return bodyIgnored(box) || box.at("/head_attr/ignore").asInt(0) != 0;
    }

    @Test
    void bodies_and_heads() {
        JsonNode modes = golden.get("modes_case");
        Records bodies = new Records(modes, "fbox", "box", CrowdHumanGoldenTest::bodyIgnored);
        Records heads = new Records(modes, "hbox", "hbox", CrowdHumanGoldenTest::headIgnored);
        Records both = new Records(modes, "fbox", "box", CrowdHumanGoldenTest::headIgnored); // matches bodies only
        compare(CrowdHumanEvaluation.evaluate(bodies.truth(), bodies.detections(), PUBLISHED), modes.get("mode0"));
        compare(CrowdHumanEvaluation.evaluate(heads.truth(), heads.detections(), PUBLISHED), modes.get("mode1"));
        compare(CrowdHumanEvaluation.evaluate(both.truth(), both.detections(), PUBLISHED), modes.get("mode2"));
    }

    @TestFactory
    Stream<DynamicTest> edge_cases() {
        assertThat(golden.get("edge_cases")).hasSize(23);
        return StreamSupport.stream(golden.get("edge_cases").spliterator(), false).map(c -> dynamicTest(c.get("name").asText(), () -> {
            Records records = new Records(c, "fbox", "box", CrowdHumanGoldenTest::bodyIgnored);
            switch (c.get("name").asText()) {
                case "detection_on_unknown_image" -> assertThatThrownBy(() -> evaluate(records)).isInstanceOf(BadInput.class).hasMessageContaining("image ids 9");
                case "empty_gtboxes" -> { // an error there; nothing here
                    assertThat(evaluate(records).images()).isZero();
                    assertThat(evaluate(records).averagePrecision()).isNaN();
                }
                case "background_tag_is_zero" -> { // a tag that no COCO file can hold: there neither person nor ignored, so never found
                    assertThat(c.get("result").get("recall").asDouble()).isEqualTo(0.5);
                    assertThat(evaluate(records).recall()).isEqualTo(1);
                }
                default -> compare(evaluate(records), c.get("result"));
            }
        }));
    }

    private static CrowdHumanCurve evaluate(Records records) {
        return CrowdHumanEvaluation.evaluate(records.truth(), records.detections(), PUBLISHED);
    }

    /** The script's KeyError: the image of the detection has no annotations, so no record. */
    @Test
    void a_detection_on_an_image_without_annotations_is_refused_only_as_published() {
        assertThat(golden.at("/script_detection_on_image_without_annotations/error").asText()).isEqualTo("KeyError");
        JsonNode coco = golden.get("cases").get(4).get("coco_gt");
        GroundTruth truth = truth(coco);
        DetectionCollector collector = new DetectionCollector();
        collector.add(3, 1, 0.5, 1, 1, 10, 20);
        Detections detections = collector.detections();
        assertThatThrownBy(() -> CrowdHumanEvaluation.evaluate(truth, detections, PUBLISHED)).isInstanceOf(BadInput.class)
                .hasMessageContaining("detections on 1 images without annotations").hasMessageContaining("image ids 3");
        assertThat(CrowdHumanEvaluation.evaluate(truth, detections, CrowdHumanOptions.standard()).images()).isEqualTo(12);
    }
}
