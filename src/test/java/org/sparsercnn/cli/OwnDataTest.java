package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.util.Json;

/** Training on any COCO file, without a line of code and without a name. */
class OwnDataTest {
    @TempDir
    Path folder;

    private Workplace place;
    private SampleSet set;

    @BeforeEach
    void setUp() {
        place = Workplace.in(folder);
        set = new SampleSet(place.data());
    }

    /** A copy of the training annotations with fewer classes. */
    private Path withClasses(int count) {
        ObjectNode json = Json.read(set.trainJson(), ObjectNode.class);
        json.withArray("categories").removeIf(c -> c.get("id").asInt() > count);
        json.withArray("annotations").removeIf(a -> a.get("category_id").asInt() > count);
        Path file = folder.resolve("own" + count + ".json");
        Json.write(file, json);
        return file;
    }

    private String[] own(Path json, String... more) {
        List<String> arguments = new ArrayList<>(List.of("--train-json", json.toString(), "--train-images", set.trainImages().toString(),
                "--val-json", json.toString(), "--val-images", set.trainImages().toString()));
        arguments.addAll(List.of(more));
        return arguments.toArray(String[]::new);
    }

    /** A COCO config, as published: its 80 classes are those of COCO's data. */
    private void writeCocoConfig() {
        place.write(place.config(), Workplace.read(place.config()).replace("SparseRCNN: {", "SparseRCNN: {NUM_CLASSES: 80, "));
    }

    @Test
    void the_classes_are_counted_and_the_run_can_be_evaluated_from_its_own_config() {
        writeCocoConfig();
        assertThat(place.run("train", own(withClasses(3)))).isEqualTo(new Workplace.Ended(0, ""));

        assertThat(place.log().split("NUM_CLASSES is 3, from", -1)).as("said once").hasSize(2);
        assertThat(place.log()).containsPattern("MODEL\\.SparseRCNN\\.NUM_CLASSES is 3, from own3 \\(circle, square, triangle\\); .*tiny\\.yaml:\\d+ says 80");
        assertThat(place.checkpoint("model_final.safetensors").state().at("/categories/names")).hasSize(3);
        assertThat(place.call("eval", "--config-file", place.output().resolve("config.yaml").toString(), "--device", "cpu", "--threads", "1",
                "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString())).isEqualTo(new Workplace.Ended(0, ""));
    }

    @Test
    void a_number_of_classes_that_contradicts_the_data_stops_with_both() {
        writeCocoConfig();
        assertThat(place.run("train", own(withClasses(3), "MODEL.SparseRCNN.NUM_CLASSES", "80")).err())
                .contains("own3 has 3 classes", "NUM_CLASSES is 80", "set MODEL.SparseRCNN.NUM_CLASSES 3");
        Workplace.Ended named = place.run("train");
        assertThat(named.code()).isEqualTo(2);
        assertThat(named.err()).contains("quickstart_train has 5 classes", "NUM_CLASSES is 80");
    }

    /** The class names a model was trained on travel with it, also through {@code convert}. */
    @Test
    void classes_in_another_order_are_not_scored_in_silence() {
        assertThat(place.run("train")).isEqualTo(new Workplace.Ended(0, ""));
        Path weights = folder.resolve("weights.safetensors");
        assertThat(place.call("convert", place.output().resolve("model_final.safetensors").toString(), weights.toString()).code()).isZero();
        ObjectNode json = Json.read(set.valJson(), ObjectNode.class);
        ((ObjectNode) json.at("/categories/0")).put("name", "square");
        ((ObjectNode) json.at("/categories/1")).put("name", "circle");
        Path swapped = folder.resolve("swapped.json");
        Json.write(swapped, json);
        String[] evaluate = {"--val-json", swapped.toString(), "--val-images", set.valImages().toString(), "MODEL.WEIGHTS", weights.toString()};

        Workplace.Ended ended = place.run("eval", evaluate);
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).contains("weights.safetensors was trained on the classes [circle, square", "another order: [square, circle");

        ((ObjectNode) json.at("/categories/0")).put("name", "ring");
        Json.write(swapped, json);
        assertThat(place.run("eval", evaluate)).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.log()).contains("data set swapped has [ring, circle").contains("compared by their place");
    }

    @Test
    void several_files_are_trained_on_as_one() {
        Path json = withClasses(5);
        assertThat(place.run("train", "--train-json", json.toString(), "--train-json", set.trainJson().toString(), "--train-images",
                set.trainImages().toString())).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.log()).contains(2 * Workplace.TRAIN_IMAGES + " images").doesNotContain("Start inference");
    }

    /** Before the first step, for every set, and before an evaluation; one file is read once for both. */
    @Test
    void what_is_in_the_data_is_told_first() {
        Path json = withClasses(5);
        ObjectNode edited = Json.read(json, ObjectNode.class);
        ((ObjectNode) edited.at("/annotations/0")).putArray("bbox").add(60).add(60).add(20).add(20);
        Json.write(json, edited);
        assertThat(place.run("train", own(json)).code()).isZero();
        String log = place.log();
        assertThat(log).containsSubsequence("Data set own5 (" + json + ")", "  images                   6  all 64x64", "repaired boxes           1  see below",
                "boxes repaired or dropped", "1 box reaching out of the image; clipped to it (annotation ids 1)", "Data set own5 (" + json + "): trained on as well", "iter: ");
        assertThat(log).containsOnlyOnce(" MB outside the heap").containsOnlyOnce("images in COCO format");
        assertThat(place.run("eval", "--val-json", json.toString(), "--val-images", set.trainImages().toString(), "MODEL.WEIGHTS",
                place.output().resolve("model_final.safetensors").toString()).code()).isZero();
        assertThat(place.log().substring(log.length())).containsSubsequence("Data set own5 (", "Start inference");
        assertThat(place.run("train", own(json, "--strict-data")).err()).contains("--strict-data refuses 1 boxes", "annotation ids 1");
    }

    @Test
    void data_are_named_once() {
        Path json = withClasses(5);
        assertThat(place.run("train", own(json, "DATASETS.TRAIN", "('coco_2017_train',)"))).isEqualTo(new Workplace.Ended(2,
                "error: --train-json and DATASETS.TRAIN ('coco_2017_train',) name the same data sets twice; leave one of them out\n"));
        assertThat(place.run("eval", "--val-json", json.toString(), "--val-images", set.trainImages().toString(), "DATASETS.TEST", "('coco_2017_val',)").err())
                .contains("--val-json and DATASETS.TEST ('coco_2017_val',)");
    }

    @Test
    void data_that_do_not_belong_together_are_refused() {
        Workplace.Ended sets = place.run("train", "--train-json", withClasses(5).toString(), "--train-json", withClasses(3).toString(), "--train-images",
                set.trainImages().toString());
        assertThat(sets.code()).isEqualTo(2);
        assertThat(sets.err()).contains("own5", "own3");
        ObjectNode other = Json.read(set.valJson(), ObjectNode.class);
        ((ObjectNode) other.at("/categories/0")).put("name", "ring");
        Path renamed = folder.resolve("renamed.json");
        Json.write(renamed, other);
        Workplace.Ended test = place.run("train", "--val-json", renamed.toString(), "--val-images", set.valImages().toString());
        assertThat(test.code()).isEqualTo(2);
        assertThat(test.err()).contains("quickstart_train and renamed do not belong together", "circle", "ring");
    }

    @Test
    void a_file_without_its_folder_is_refused() {
        Workplace.Ended ended = place.run("train", "--train-json", set.trainJson().toString());
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).contains("1 --train-json and 0 --train-images");
        assertThat(place.run("eval", "--val-images", ".").err()).contains("0 --val-json and 1 --val-images");
    }
}
