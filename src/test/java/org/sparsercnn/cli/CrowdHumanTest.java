package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.Pictures;

/** The published CrowdHuman config, cut down, on made-up crowds: images without persons and with regions to ignore among them. */
class CrowdHumanTest {
    private static final int SIDE = 64;

    @TempDir
    static Path folder;

    private static Workplace place;

    @BeforeAll
    static void train() {
        place = new Workplace(folder);
        crowd("train", 6, 1);
        crowd("val", 5, 2);
        place.write(place.config(), """
                _BASE_: "%s"
                MODEL:
                  WEIGHTS: ""
                  BACKBONE: {FREEZE_AT: 0}
                  RESNETS: {DEPTH: 18, NORM: "GN", RES2_OUT_CHANNELS: 8, STEM_OUT_CHANNELS: 8}
                  FPN: {OUT_CHANNELS: 32}
                  SparseRCNN: {NUM_PROPOSALS: 12, NUM_HEADS: 2, HIDDEN_DIM: 32, NHEADS: 4, DIM_DYNAMIC: 8, DIM_FEEDFORWARD: 32}
                SOLVER: {IMS_PER_BATCH: 2, MAX_ITER: 16, STEPS: [1000], BASE_LR: 0.001, WARMUP_ITERS: 5}
                INPUT: {MIN_SIZE_TRAIN: [64], MAX_SIZE_TRAIN: 64, MIN_SIZE_TEST: 64, MAX_SIZE_TEST: 64}
                TEST: {EVAL_PERIOD: 8}
                DATALOADER: {NUM_WORKERS: 0, FILTER_EMPTY_ANNOTATIONS: False}
                OUTPUT_DIR: "%s"
                """.formatted(Path.of("configs/sparsercnn.crowdhuman.res50.500pro.50e.yaml").toAbsolutePath(), place.output()));
        assertThat(place.run("train")).isEqualTo(new Workplace.Ended(0, ""));
    }

    /** Where CrowdHuman_train and CrowdHuman_val lie: every third image has no persons, the second and the fourth a region to ignore. */
    private static void crowd(String split, int images, long seed) {
        Random random = new Random(seed);
        Path root = folder.resolve("datasets/crowdhuman");
        ObjectNode coco = Json.MAPPER.createObjectNode();
        coco.putArray("categories").addObject().put("id", 1).put("name", "person");
        ArrayNode annotations = coco.putArray("annotations");
        ArrayNode list = coco.putArray("images");
        for (int id = 1; id <= images; id++) {
            list.addObject().put("id", id).put("file_name", id + ".png").put("width", SIDE).put("height", SIDE);
            BufferedImage picture = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
            Graphics2D g = picture.createGraphics();
            for (int person = 0; person < (id % 3 == 0 ? 0 : 4); person++) {
                int x = random.nextInt(SIDE - 12) - 4; // some reach over the edge
                int y = random.nextInt(SIDE - 24) - 4;
                g.setColor(new Color(random.nextInt(256), 128, 255));
                g.fillRect(x, y, 10, 24);
                annotation(annotations, id, x, y, 10, 24);
            }
            if (id == 2) {
                annotation(annotations, id, 0, 0, SIDE, SIDE / 2).put("iscrowd", 1);
            } else if (id == 4) {
                annotation(annotations, id, 0, SIDE / 2, SIDE, SIDE / 2).put("ignore", 1);
            }
            g.dispose();
            Pictures.write(picture, root.resolve("CrowdHuman_" + split).resolve(id + ".png"));
        }
        Json.write(root.resolve("annotations/" + split + ".json"), coco);
    }

    private static ObjectNode annotation(ArrayNode all, int image, int x, int y, int width, int height) {
        ObjectNode one = all.addObject().put("id", all.size()).put("image_id", image).put("category_id", 1).put("iscrowd", 0).put("area", width * height);
        one.putArray("bbox").add(x).add(y).add(width).add(height);
        return one;
    }

    private static Path truth() {
        return folder.resolve("datasets/crowdhuman/annotations/val.json");
    }

    private static JsonNode evaluated() {
        return Json.read(place.output().resolve("inference/evaluation.json"), JsonNode.class);
    }

    @Test
    void the_output_names_the_metric_and_its_three_numbers() {
        assertThat(place.log()).contains("Evaluation results for bbox on CrowdHuman_val, metric CrowdHuman:\nAP : ", "\nmMR : ", "\nRecall : ",
                "  mMR  ", "  Recall  ", "Images 5, persons 16, regions to ignore 2;", "COCO's numbers, for information:\n Average Precision",
                "copypaste: AP,mMR,Recall\n");
        JsonNode last = place.metrics().stream().filter(row -> row.has("bbox/AP")).reduce((_, row) -> row).orElseThrow();
        assertThat(last.fieldNames()).toIterable().contains("bbox/AP", "bbox/mMR", "bbox/Recall", "bbox/COCO-AP", "bbox/COCO-AP50");
        JsonNode json = evaluated();
        assertThat(json.get("metric").asText()).isEqualTo("CrowdHuman");
        assertThat(json.get("images").asInt()).as("two of them without persons").isEqualTo(5);
        assertThat(json.get("detections").asInt()).isPositive();
        assertThat(last.get("bbox/mMR").asDouble()).isEqualTo(100 * json.get("mMR").asDouble());
    }

    @Test
    void coco_eval_gives_the_same_numbers() {
        String results = place.output().resolve("inference/coco_instances_results.json").toString();
        Path json = folder.resolve("numbers.json");
        assertThat(place.call("coco-eval", "--metric", "crowdhuman", "--gt", truth().toString(), "--dt", results, "--json", json.toString()))
                .isEqualTo(new Workplace.Ended(0, ""));
        assertThat(Json.read(json, JsonNode.class)).isEqualTo(evaluated());

        assertThat(place.call("coco-eval", "--gt", truth().toString(), "--dt", results, "--json", json.toString())).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(Json.read(json, JsonNode.class)).isEqualTo(evaluated().get("coco"));

        Workplace.Ended published = place.call("coco-eval", "--metric", "crowdhuman", "--as-published", "--gt", truth().toString(), "--dt", results);
        assertThat(published.code()).isEqualTo(2);
        assertThat(published.err()).contains("detections on 1 images without annotations, where the published script fails: image ids 3",
                "score without --as-published");
        assertThat(place.call("coco-eval", "--as-published", "--gt", truth().toString(), "--dt", results).err())
                .contains("--as-published goes with --metric crowdhuman");
        assertThat(place.call("coco-eval", "--metric", "voc", "--gt", truth().toString(), "--dt", results)).satisfies(ended -> {
            assertThat(ended.code()).isEqualTo(2);
            assertThat(ended.err()).containsIgnoringCase("crowdhuman");
        });
    }

    private Workplace.Ended evaluate(String name, String... more) {
        String[] overrides = Workplace.into(folder.resolve(name), more);
        String[] all = new String[overrides.length + 2];
        System.arraycopy(overrides, 0, all, 0, overrides.length);
        all[overrides.length] = "MODEL.WEIGHTS";
        all[overrides.length + 1] = place.output().resolve("model_final.safetensors").toString();
        return place.run("eval", all);
    }

    @Test
    void expected_results_know_its_numbers() {
        double mmr = 100 * evaluated().get("mMR").asDouble();
        assertThat(evaluate("right", "TEST.EXPECTED_RESULTS", "[['bbox','mMR',%s,0.01],['bbox','Recall',50.0,50.0]]".formatted(mmr)))
                .isEqualTo(new Workplace.Ended(0, ""));
        Workplace.Ended wrong = evaluate("wrong", "TEST.EXPECTED_RESULTS", "[['bbox','mMR',%s,0.01]]".formatted(mmr - 1));
        assertThat(wrong.code()).isEqualTo(3);
        assertThat(wrong.err()).contains(String.format(Locale.ROOT, "bbox/mMR on CrowdHuman_val is %.4f, expected %s +- 0.01", mmr, mmr - 1));
        Workplace.Ended undefined = evaluate("undefined", "TEST.EXPECTED_RESULTS", "[['bbox','COCO-APl',50.0,100.0]]"); // nobody is large
        assertThat(undefined.code()).isEqualTo(3);
        assertThat(undefined.err()).contains("bbox/COCO-APl on CrowdHuman_val is undefined, expected 50.0 +- 100.0");
        assertThat(evaluate("unknown", "TEST.EXPECTED_RESULTS", "[['bbox','AP50',50.0,50.0]]").err())
                .contains("there is no bbox/AP50; known are bbox/AP, bbox/mMR, bbox/Recall, bbox/COCO-AP");
    }

    @Test
    void the_data_set_decides_and_each_is_named() {
        assertThat(evaluate("both", "--val-json", truth().toString(), "--val-images", folder.resolve("datasets/crowdhuman/CrowdHuman_val").toString(),
                "TEST.EXPECTED_RESULTS", "[['val/bbox','AP50',50.0,50.0]]")).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(Workplace.read(folder.resolve("both/log.txt"))).contains("Evaluation results for bbox on val, metric COCO:", "copypaste: AP,AP50,AP75")
                .doesNotContain("mMR");
    }

    /** Whoever names several data sets can expect something of each. */
    @Test
    void expected_results_of_one_data_set_among_several() {
        String[] sets = {"DATASETS.TEST", "('CrowdHuman_val','CrowdHuman_train')"};
        Workplace.Ended ended = evaluate("several", sets[0], sets[1], "TEST.EXPECTED_RESULTS",
                "[['CrowdHuman_train/bbox','AP',-50.0,0.5],['CrowdHuman_val/bbox','AP',50.0,50.0]]");
        assertThat(ended.code()).isEqualTo(3);
        assertThat(ended.err()).contains("bbox/AP on CrowdHuman_train is").doesNotContain("on CrowdHuman_val is");
    }

    @Test
    void the_ground_truth_checks_itself() {
        assertThat(place.run("eval", "--self-check")).isEqualTo(new Workplace.Ended(0, ""));
    }
}
