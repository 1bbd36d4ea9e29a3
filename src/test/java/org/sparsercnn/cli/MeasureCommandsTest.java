package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.util.Json;

/** {@code eval}, {@code coco-eval}, {@code convert}, {@code doctor}. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MeasureCommandsTest {
    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    private Workplace place;
    private Path weights;

    @BeforeAll
    void train() {
        place = Workplace.in(shared);
        assertThat(place.run("train").code()).isZero();
        weights = place.output().resolve("model_final.safetensors");
    }

    private JsonNode evaluated(Path weights, String name) {
        Path output = folder.resolve(name);
        assertThat(place.run("eval", Workplace.into(output, "MODEL.WEIGHTS", weights.toString()))).isEqualTo(new Workplace.Ended(0, ""));
        return Json.read(output.resolve("inference/coco_instances_results.json"), JsonNode.class);
    }

    @Test
    void eval_writes_results_in_cocos_form_and_a_log() {
        JsonNode results = evaluated(weights, "eval");
        assertThat(results.isArray()).isTrue();
        assertThat(results).isNotEmpty();
        JsonNode one = results.get(0);
        assertThat(one.fieldNames()).toIterable().containsExactly("image_id", "category_id", "bbox", "score");
        assertThat(one.get("bbox")).hasSize(4);
        assertThat(Workplace.read(folder.resolve("eval/log.txt"))).contains("Evaluation results for bbox on quickstart_val", "Total inference time",
                "copypaste: AP,AP50");
    }

    @Test
    void expected_results_that_are_missed_are_exit_3() {
        Workplace.Ended ended = place.run("eval", Workplace.into(folder, "MODEL.WEIGHTS", weights.toString(), "TEST.EXPECTED_RESULTS", "[['bbox','AP50',90.0,1.0]]"));
        assertThat(ended.code()).isEqualTo(3);
        assertThat(ended.err()).contains("TEST.EXPECTED_RESULTS missed: bbox/AP50 on quickstart_val is", "expected 90.0 +- 1.0");
    }

    @Test
    void a_converted_checkpoint_finds_the_same() {
        JsonNode wanted = evaluated(weights, "wanted");
        Path pth = folder.resolve("weights.pth");
        Path plain = folder.resolve("weights.safetensors");
        assertThat(place.call("convert", weights.toString(), pth.toString())).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.call("convert", pth.toString(), plain.toString())).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(evaluated(pth, "of-pth")).isEqualTo(wanted);
        assertThat(evaluated(plain, "of-safetensors")).isEqualTo(wanted);
        Workplace.Ended ended = place.call("convert", weights.toString(), folder.resolve("weights.onnx").toString());
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).contains("weights.onnx: unknown format; the name must end in .safetensors or .pth");
        assertThat(place.call("convert", "none.pth", pth.toString()).err()).contains("none.pth");
    }

    @Test
    void coco_eval_gives_the_numbers_of_eval() {
        evaluated(weights, "eval");
        Path json = folder.resolve("numbers.json");
        Path inference = folder.resolve("eval/inference");
        assertThat(place.call("coco-eval", "--gt", new SampleSet(place.data()).valJson().toString(), "--dt",
                inference.resolve("coco_instances_results.json").toString(), "--json", json.toString())).isEqualTo(new Workplace.Ended(0, ""));
        JsonNode numbers = Json.read(json, JsonNode.class);
        assertThat(numbers.fieldNames()).toIterable().containsExactly("stats", "per_category");
        assertThat(numbers.get("stats")).hasSize(12);
        assertThat(numbers.get("stats").get(5).asDouble()).as("AP of large objects, of which there are none").isEqualTo(-1);
        assertThat(numbers.get("stats")).isEqualTo(Json.read(inference.resolve("evaluation.json"), JsonNode.class).get("stats"));
        assertThat(numbers.get("per_category").get(0).get("name").asText()).isEqualTo("circle");
    }

    @Test
    void a_perfect_detector_scores_one_and_a_foreign_one_is_refused() {
        JsonNode truth = Json.read(new SampleSet(place.data()).valJson(), JsonNode.class);
        ArrayNode perfect = Json.MAPPER.createArrayNode();
        truth.get("annotations").forEach(a -> perfect.addObject().put("image_id", a.get("image_id").asInt())
                .put("category_id", a.get("category_id").asInt()).put("score", 1.0).set("bbox", a.get("bbox")));
        Path dt = folder.resolve("dt.json");
        Path json = folder.resolve("numbers.json");
        Json.write(dt, perfect);
        String gt = new SampleSet(place.data()).valJson().toString();
        assertThat(place.call("coco-eval", "--gt", gt, "--dt", dt.toString(), "--json", json.toString(), "--threads", "2").code()).isZero();
        assertThat(Json.read(json, JsonNode.class).get("stats").get(0).asDouble()).isEqualTo(1.0);

        assertThat(place.call("coco-eval", "--gt", gt, "--dt", dt.toString(), "--threads", "0")).isEqualTo(new Workplace.Ended(2, "error: --threads 0: at least 1\n"));
        perfect.addObject().put("image_id", 77).put("category_id", 1).put("score", 1.0).putArray("bbox").add(1).add(1).add(2).add(2);
        Json.write(dt, perfect);
        Workplace.Ended ended = place.call("coco-eval", "--gt", gt, "--dt", dt.toString());
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).contains("77");
        assertThat(place.call("coco-eval", "--gt", dt.toString(), "--dt", dt.toString()).code()).as("results for annotations").isEqualTo(2);
        assertThat(place.call("coco-eval", "--gt", gt, "--dt", gt).code()).as("annotations for results").isEqualTo(2);
    }

    @Test
    void a_healthy_machine_passes_the_doctor() {
        assertThat(place.call("doctor")).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(List.of(place.call("--help").code(), place.call("train", "--help").code(), place.call("--version").code())).containsOnly(0);
        assertThat(Files.exists(folder.resolve("output"))).isFalse();
    }
}
