package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.io.TrainingCheckpoint;
import org.sparsercnn.model.DetectionPairs;
import org.sparsercnn.model.Detections;
import org.sparsercnn.util.Json;

/**
 * Every published variant trains and is evaluated: its published file with overrides that only make it small, and generated
 * pictures where its data sets belong.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VariantsTest {
    private static final int TRAIN_IMAGES = 6;
    private static final int VAL_IMAGES = 4;
    private static final String BOXES = "init_proposal_boxes.weight";

    /** Fewer channels, stages, steps and pixels than published; MODEL.WEIGHTS is a file that nobody has here. */
    private static final List<String> SMALL = List.of("MODEL.WEIGHTS", "", "MODEL.RESNETS.STEM_OUT_CHANNELS", "8", "MODEL.RESNETS.RES2_OUT_CHANNELS", "8",
            "MODEL.RESNETS.WIDTH_PER_GROUP", "4", "MODEL.FPN.OUT_CHANNELS", "32", "MODEL.SparseRCNN.HIDDEN_DIM", "32",
            "MODEL.SparseRCNN.DIM_DYNAMIC", "8", "MODEL.SparseRCNN.DIM_FEEDFORWARD", "32", "MODEL.SparseRCNN.NUM_HEADS", "2",
            "SOLVER.IMS_PER_BATCH", "2", "SOLVER.MAX_ITER", "3", "SOLVER.STEPS", "(100,)", "SOLVER.WARMUP_ITERS", "2", "DATALOADER.NUM_WORKERS", "1",
            "INPUT.MIN_SIZE_TRAIN", "(64,)", "INPUT.MAX_SIZE_TRAIN", "96", "INPUT.MIN_SIZE_TEST", "64", "INPUT.MAX_SIZE_TEST", "96");

    @TempDir
    static Path shared;

    private Workplace place;
    private Path output;

    @BeforeAll
    void putDataWherePublishedConfigsLookForThem() throws IOException {
        place = new Workplace(shared);
        SampleSet.write(place.data(), TRAIN_IMAGES, VAL_IMAGES, 64, 1);
        SampleSet set = new SampleSet(place.data());
        Path coco = Files.createDirectories(shared.resolve("datasets/coco/annotations"));
        Path crowd = Files.createDirectories(shared.resolve("datasets/crowdhuman/annotations"));
        for (String split : List.of("train", "val")) {
            Path images = set.folder().resolve(split);
            Path json = set.folder().resolve("annotations/" + split + ".json");
            Files.createSymbolicLink(coco.resolveSibling(split + "2017"), images);
            Files.createSymbolicLink(crowd.resolveSibling("CrowdHuman_" + split), images);
            Json.write(coco.resolve("instances_" + split + "2017.json"), asCoco(Json.read(json, ObjectNode.class)));
            Json.write(crowd.resolve(split + ".json"), asCrowdHuman(Json.read(json, ObjectNode.class)));
        }
    }

    /** The shapes as COCO's first five categories of eighty. */
    private static ObjectNode asCoco(ObjectNode json) {
        CategoryMap coco = CategoryMap.coco();
        ArrayNode categories = json.putArray("categories");
        for (int i = 0; i < coco.size(); i++) {
            categories.addObject().put("id", coco.originalId(i)).put("name", coco.name(i));
        }
        return json;
    }

    /** Every shape a person, the first of an image a region to ignore, and nobody on the last image. */
    private static ObjectNode asCrowdHuman(ObjectNode json) {
        json.putArray("categories").addObject().put("id", 1).put("name", "person");
        long last = json.get("images").get(json.get("images").size() - 1).get("id").asLong();
        ArrayNode kept = Json.MAPPER.createArrayNode();
        long image = -1;
        for (JsonNode annotation : json.get("annotations")) {
            long of = annotation.get("image_id").asLong();
            if (of != last) {
                kept.add(((ObjectNode) annotation).put("category_id", 1).put("iscrowd", of == image ? 0 : 1));
            }
            image = of;
        }
        json.set("annotations", kept);
        return json;
    }

    @BeforeEach
    void ownOutput(TestInfo test) {
        output = shared.resolve("output").resolve(test.getTestMethod().orElseThrow().getName());
    }

    private void run(String command, Path output, String config, String... overrides) {
        List<String> arguments = new ArrayList<>(List.of(command, "--config-file", "configs/" + config, "--device", "cpu", "--threads", "1"));
        arguments.addAll(SMALL);
        arguments.addAll(List.of("OUTPUT_DIR", output.toString()));
        arguments.addAll(List.of(overrides));
        assertThat(place.call(arguments.toArray(String[]::new))).isEqualTo(new Workplace.Ended(0, ""));
    }

    /** Trains as published, which ends with an evaluation. */
    private TrainingCheckpoint train(String config, String... overrides) {
        run("train", output, config, overrides);
        assertThat(metrics().get("total_loss").asDouble()).isBetween(0.1, 1000.0);
        return TrainingCheckpoint.read(output.resolve("model_final.safetensors"));
    }

    private String log() {
        return Workplace.read(output.resolve("log.txt"));
    }

    /** All rows of metrics.json in one. */
    private ObjectNode metrics() {
        ObjectNode all = Json.MAPPER.createObjectNode();
        Workplace.read(output.resolve("metrics.json")).lines().forEach(line -> {
            try {
                all.setAll((ObjectNode) Json.MAPPER.readTree(line));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        return all;
    }

    private static Map<Long, Long> detectionsByImage(Path inference) {
        JsonNode rows = Json.read(inference.resolve("coco_instances_results.json"), JsonNode.class);
        return StreamSupport.stream(rows.spliterator(), false).collect(Collectors.groupingBy(r -> r.get("image_id").asLong(), Collectors.counting()));
    }

    @Test
    void crowdhuman_with_its_own_metric_and_an_image_without_persons() {
        train("sparsercnn.crowdhuman.res50.500pro.50e.yaml");
        assertThat(metrics().fieldNames()).toIterable().contains("bbox/AP", "bbox/mMR", "bbox/Recall");
        assertThat(log()).contains("CrowdHuman_val", "mMR", "Images " + VAL_IMAGES + ",");
        JsonNode evaluation = Json.read(output.resolve("inference/evaluation.json"), JsonNode.class);
        assertThat(evaluation.get("metric").asText()).isEqualTo("CrowdHuman");
        assertThat(detectionsByImage(output.resolve("inference"))).hasSize(VAL_IMAGES).allSatisfy((_, n) -> assertThat(n).isGreaterThan(100));
    }

    @Test
    void detco_with_batch_statistics() {
        TrainingCheckpoint trained = train("sparsercnn.res50.300pro.3x.detco.yaml", "TEST.PRECISE_BN.NUM_ITER", "2");
        assertThat(trained.model().get("backbone.bottom_up.stem.conv1.norm.running_mean").toFloats()).doesNotContain(0);
    }

    /** The plain path has no NMS and no limit: TEST.DETECTIONS_PER_IMAGE is 100. */
    @Test
    void three_hundred_proposals_with_crops() {
        TrainingCheckpoint trained = train("sparsercnn.res50.300pro.3x.yaml");
        assertThat(Workplace.read(output.resolve("config.yaml"))).containsSubsequence("INPUT:", "CROP:", "ENABLED: true", "DETECTIONS_PER_IMAGE: 100");
        assertThat(trained.model().get(BOXES).toFloats()).hasSize(4 * 300).satisfies(boxes -> assertThat(moved(boxes)).isTrue());
        assertThat(detectionsByImage(output.resolve("inference"))).hasSize(VAL_IMAGES).allSatisfy((_, n) -> assertThat(n).isBetween(200L, 300L));
    }

    private static boolean moved(float[] boxesCxcywhUnit) {
        for (int i = 0; i < boxesCxcywhUnit.length; i++) {
            if (boxesCxcywhUnit[i] != (i % 4 < 2 ? 0.5f : 1f)) {
                return true;
            }
        }
        return false;
    }

    @Test
    void softmax_with_a_background_class() {
        TrainingCheckpoint trained = train("sparsercnn.res50.100pro.3x.yaml", "MODEL.SparseRCNN.USE_FOCAL", "False");
        assertThat(trained.model().get("head.head_series.1.class_logits.weight").shape()).containsExactly(81, 32);
        // One detection for each proposal, and its best class: the scores of a softmax over 81 that has learnt next to nothing.
        assertThat(detectionsByImage(output.resolve("inference"))).allSatisfy((_, n) -> assertThat(n).isBetween(50L, 100L));
    }

    @Test
    void fixed_boxes_stay_the_whole_image() {
        TrainingCheckpoint trained = train("sparsercnn.res50.100pro.3x.yaml", "MODEL.SparseRCNN.PROPOSAL_BOXES", "fixed");
        assertThat(moved(trained.model().get(BOXES).toFloats())).isFalse();
    }

    @Test
    void test_time_augmentation_is_a_second_evaluation() {
        train("sparsercnn.res50.100pro.3x.yaml");
        String weights = output.resolve("model_final.safetensors").toString();
        String trained = Workplace.read(output.resolve("inference/coco_instances_results.json"));
        String[] augmented = {"TEST.AUG.ENABLED", "True", "TEST.AUG.MIN_SIZES", "(48,64)", "TEST.AUG.MAX_SIZE", "96", "TEST.AUG.SCALE_RANGES", "[[0,10000],[0,60]]"};

        Path vote = evaluate("vote", weights, concat(augmented, "TEST.EXPECTED_RESULTS", "[['bbox_TTA', 'AP', 50.0, 50.0], ['bbox', 'AP', 50.0, 50.0]]"));
        assertThat(Workplace.read(vote.resolve("log.txt"))).contains("Test-time augmentation: 4 passes an image, 2 sizes, each mirrored too; soft"
                + " voting, a range of areas for each size", "copypaste: Task: bbox_TTA", "Results verification passed");
        assertThat(Workplace.read(vote.resolve("inference/coco_instances_results.json"))).isEqualTo(trained);
        assertThat(detectionsByImage(vote.resolve("inference_TTA"))).hasSize(VAL_IMAGES).allSatisfy((_, n) -> assertThat(n).isBetween(1L, 100L));

        Path nms = evaluate("nms", weights, concat(augmented, "TEST.AUG.CVPODS_TTA", "False", "TEST.DETECTIONS_PER_IMAGE", "7"));
        assertThat(detectionsByImage(nms.resolve("inference_TTA"))).allSatisfy((_, n) -> assertThat(n).isLessThanOrEqualTo(7));
    }

    private static String[] concat(String[] some, String... more) {
        return Stream.concat(Arrays.stream(some), Arrays.stream(more)).toArray(String[]::new);
    }

    private Path evaluate(String name, String weights, String... overrides) {
        run("eval", output.resolve(name), "sparsercnn.res50.100pro.3x.yaml", concat(overrides, "MODEL.WEIGHTS", weights));
        return output.resolve(name);
    }

    /** With FLIP a picture and its mirror image are looked at alike: what is found is mirrored. Without, it differs. */
    @Test
    void demo_with_test_time_augmentation() throws IOException {
        train("sparsercnn.res50.100pro.3x.yaml");
        Path picture = place.trainImage(1);
        Image image = ImageDecoder.read(picture);
        Path mirror = output.resolve("mirror.png");
        BufferedImage pixels = new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < image.height(); y++) {
            for (int x = 0; x < image.width(); x++) {
                pixels.setRGB(image.width() - 1 - x, y, image.at(x, y, 0) << 16 | image.at(x, y, 1) << 8 | image.at(x, y, 2));
            }
        }
        ImageIO.write(pixels, "png", mirror.toFile());

        Detections mirrored = mirrored(demo(mirror, "True"), image.width());
        DetectionPairs.assertSame(demo(picture, "True"), mirrored, 0.01, 1e-4);
        assertThatThrownBy(() -> DetectionPairs.assertSame(demo(picture, "False"), mirrored(demo(mirror, "False"), image.width()), 0.01, 1e-4))
                .isInstanceOf(AssertionError.class);
    }

    private static Detections mirrored(Detections d, int width) {
        float[] boxes = d.boxesXyxyPx().clone();
        for (int i = 0; i < boxes.length; i += 4) {
            boxes[i] = width - d.boxesXyxyPx()[i + 2];
            boxes[i + 2] = width - d.boxesXyxyPx()[i];
        }
        return new Detections(boxes, d.scores(), d.classes());
    }

    private Detections demo(Path picture, String flip) {
        Path json = output.resolve("found.json");
        List<String> arguments = new ArrayList<>(List.of("demo", "--config-file", "configs/sparsercnn.res50.100pro.3x.yaml", "--device", "cpu", "--threads", "1",
                "--input", picture.toString(), "--json", json.toString(), "--confidence-threshold", "0", "--opts"));
        arguments.addAll(SMALL);
        arguments.addAll(List.of("MODEL.WEIGHTS", output.resolve("model_final.safetensors").toString(), "TEST.AUG.ENABLED", "True",
                "TEST.AUG.MIN_SIZES", "(48,64)", "TEST.AUG.MAX_SIZE", "96", "TEST.AUG.SCALE_FILTER", "False", "TEST.AUG.FLIP", flip));
        assertThat(place.call(arguments.toArray(String[]::new))).isEqualTo(new Workplace.Ended(0, ""));
        JsonNode rows = Json.read(json, JsonNode.class);
        assertThat(rows).isNotEmpty();
        Detections found = new Detections(new float[4 * rows.size()], new float[rows.size()], new int[rows.size()]);
        for (int i = 0; i < rows.size(); i++) {
            JsonNode box = rows.get(i).get("bbox");
            for (int c = 0; c < 4; c++) {
                found.boxesXyxyPx()[4 * i + c] = (float) (box.get(c).asDouble() + (c < 2 ? 0 : box.get(c - 2).asDouble()));
            }
            found.scores()[i] = (float) rows.get(i).get("score").asDouble();
            found.classes()[i] = rows.get(i).get("category_id").asInt();
        }
        return found;
    }
}
