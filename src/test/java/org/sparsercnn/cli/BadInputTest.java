package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.data.sampleset.SampleSet;

/** Whatever is wrong with what a user gives us: one message, exit code 2, no stack trace, no thread left, nothing lost. */
class BadInputTest {
    @TempDir
    Path folder;

    private Workplace place;
    private Set<Thread> threadsBefore;

    @BeforeEach
    void setUp() {
        place = Workplace.in(folder);
        threadsBefore = Thread.getAllStackTraces().keySet();
    }

    @AfterEach
    void no_thread_is_left() {
        assertThat(Thread.getAllStackTraces().keySet()).filteredOn(t -> !threadsBefore.contains(t) && t.isAlive()
                && t.getName().matches("(rank|data-worker|coco-eval).*")).isEmpty();
    }

    private static void refused(Workplace.Ended ended, int code, String... words) {
        assertThat(ended.err()).startsWith("error: ").contains(words).doesNotContain("\tat ", "Exception");
        assertThat(ended.code()).isEqualTo(code);
    }

    private void refusesTraining(String arguments, String... words) {
        refused(place.run("train", arguments.isEmpty() ? new String[0] : arguments.split(" ")), 2, words);
    }

    // Arguments and config

    static Stream<Arguments> wrongArguments() {
        return Stream.of(
                arguments("", "a command is missing: train, eval, demo"),
                arguments("trian", "there is no command 'trian'; one of train, eval"),
                arguments("train --rezume", "Unknown option: '--rezume'"),
                arguments("train", "--config-file is missing"),
                arguments("train --config-file nope.yaml", "nope.yaml: the config cannot be read: no such file"),
                arguments("train --num-gpus many", "'many' is not an int"),
                arguments("demo --config-file x.yaml", "Missing required option: '--input=PATH'"),
                arguments("convert one", "Missing required parameter: 'OUT'"),
                arguments("coco-eval --gt a.json", "Missing required option: '--dt=FILE'"),
                arguments("coco-eval --gt a.json --dt b.json", "a.json"),
                arguments("quickstart --minutes 0", "--minutes 0.0: must be more than 0"));
    }

    @ParameterizedTest
    @MethodSource("wrongArguments")
    void wrong_arguments_are_answered_in_a_line_or_two(String arguments, String message) {
        Workplace.Ended ended = place.call(arguments.isEmpty() ? new String[0] : arguments.split(" "));
        refused(ended, 2, message);
        assertThat(ended.err().lines()).hasSizeLessThanOrEqualTo(2);
    }

    static Stream<Arguments> wrongSettings() {
        return Stream.of(
                arguments("SOLVER.MAX_ITER", "1 items, but they come in pairs"),
                arguments("SOLVER.MAX_ITTER 5", "there is no key SOLVER.MAX_ITTER; did you mean SOLVER.MAX_ITER?"),
                arguments("SOLVER.MAX_ITER many", "SOLVER.MAX_ITER"),
                arguments("MODEL.PIXEL_STD [0.0,1.0,1.0]", "MODEL.PIXEL_STD"),
                arguments("--device cuda", "The CUDA driver sees no GPU"),
                arguments("--device cuda:7", "The CUDA driver sees no GPU"),
                arguments("--device cuda", "--device cuda wants a GPU; --device cpu computes on the CPU"),
                arguments("--device tpu", "--device tpu: no such device; one of cpu, cuda, cuda:N, auto"),
                arguments("--num-gpus 0", "--num-gpus 0: at least 1"),
                arguments("--num-gpus 2 --device auto", "--num-gpus 2: 2 GPUs asked for, none found", "--device cpu makes 2 replicas in this process"),
                arguments("--num-gpus 4", "SOLVER.IMS_PER_BATCH is 2 and cannot be divided among 4 replicas"),
                arguments("--threads 0", "--threads 0: at least 1"),
                arguments("MODEL.SparseRCNN.NUM_CLASSES 7", "quickstart_train has 5 classes", "NUM_CLASSES is 7"),
                arguments("DATASETS.TRAIN ()", "DATASETS.TRAIN is empty"),
                arguments("DATASETS.TRAIN ('mine',)", "data set \"mine\" is not known"),
                arguments("DATASETS.TEST ('coco_2017_val',)", "instances_val2017.json does not exist", "DETECTRON2_DATASETS"),
                arguments("--eval-only DATASETS.TEST ()", "DATASETS.TEST is empty"),
                arguments("--eval-only", "MODEL.WEIGHTS is empty"),
                arguments("--eval-only MODEL.WEIGHTS detectron2://ImageNetPretrained/torchvision/R-50.pkl", "a backbone to start a training from"));
    }

    @ParameterizedTest
    @MethodSource("wrongSettings")
    void wrong_settings_end_a_run_before_it_starts(String arguments, String message) {
        String[] all = Stream.concat(Stream.of("train", "--config-file", place.config().toString()), Stream.of(arguments.split(" "))).toArray(String[]::new);
        boolean itself = arguments.matches("--(device|threads).*|.*--device.*");
        refused(itself ? place.call(all) : place.run("train", arguments.split(" ")), 2, message);
        assertThat(place.output().resolve("config.yaml")).doesNotExist();
    }

    @Test
    void cuda_in_a_config_is_no_reason_to_fall_back_silently() {
        refused(place.call("train", "--config-file", place.config().toString(), "MODEL.DEVICE", "cuda"), 2, "The CUDA driver sees no GPU");
        assertThat(place.run("train", "MODEL.DEVICE", "cuda").code()).as("--device cpu wins").isZero();
    }

    @Test
    void debug_shows_the_stack() {
        assertThat(place.run("train", "--debug", "DATASETS.TRAIN", "()").err()).contains("error: DATASETS.TRAIN is empty", "\tat org.sparsercnn");
    }

    // Output folder

    @Test
    void an_output_folder_that_is_a_file() throws IOException {
        Files.writeString(place.output(), "mine");
        refusesTraining("", "OUTPUT_DIR " + place.output() + ": cannot be written: it is a file; choose another OUTPUT_DIR");
        assertThat(place.output()).hasContent("mine");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/proc/self/task/output", "/dev/null/output"})
    void an_output_folder_that_cannot_be_made(String output) {
        refused(place.run("train", Workplace.into(Path.of(output))), 2, "OUTPUT_DIR " + output + ": cannot be written");
    }

    @Test
    void a_full_disk_leaves_the_checkpoint_before() throws Exception {
        assertThat(place.run("train").code()).isZero();
        long checkpoint = Files.size(place.output().resolve("model_final.safetensors"));
        Path disk = Files.createDirectories(folder.resolve("disk"));
        assumeTrue(command("mount", "-t", "tmpfs", "-o", "size=" + checkpoint * 3 / 2, "tmpfs", disk.toString()) == 0, "mounting a small disk needs root");
        try {
            Workplace.Ended ended = place.run("train", Workplace.into(disk, "SOLVER.CHECKPOINT_PERIOD", "1", "SOLVER.MAX_ITER", "9"));
            refused(ended, 2, "cannot be written", "No space left on device");
            String last = Workplace.read(disk.resolve("last_checkpoint"));
            assertThat(place.run("eval", "MODEL.WEIGHTS", disk.resolve(last).toString()).code()).as("evaluating " + last).isZero();
            try (Stream<Path> files = Files.list(disk)) {
                assertThat(files.map(Path::toString)).noneMatch(name -> name.contains(".part"));
            }
        } finally {
            command("umount", "-l", disk.toString()); // at once: the mapped checkpoint goes when it is collected
        }
    }

    private static int command(String... words) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    // Images

    static Stream<Arguments> badImages() throws IOException {
        byte[] jpeg = jpeg(64, 64);
        return Stream.of(
                arguments(Arrays.copyOf(jpeg, jpeg.length / 2), "the image is truncated"),
                arguments("<html>no such page</html>".getBytes(StandardCharsets.UTF_8), "it is a text file (HTML or SVG), not a picture"),
                arguments(new byte[0], "the file is empty"),
                arguments(jpeg(64, 48), "the image is 64x48 pixels, its annotation file says 64x64"));
    }

    static byte[] jpeg(int width, int height) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            picture.setRGB(i % width, i / width, i * 2654435 & 0xFFFFFF);
        }
        ImageIO.write(picture, "jpg", out);
        return out.toByteArray();
    }

    @ParameterizedTest
    @MethodSource("badImages")
    void a_bad_image_is_named(byte[] bytes, String message) throws IOException {
        Files.write(place.trainImage(3), bytes);
        for (String workers : List.of("0", "2")) {
            refusesTraining("SOLVER.MAX_ITER 50 DATALOADER.NUM_WORKERS " + workers, place.trainImage(3).toString(), message);
        }
    }

    /** What was trained before a bad image came is kept. */
    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void an_image_that_cannot_be_read_during_the_run_costs_no_step(String replicas) throws IOException {
        assertThat(place.run("train", "SOLVER.MAX_ITER", "3").code()).isZero();
        Files.write(place.trainImage(5), new byte[0]);
        Workplace.Ended ended = place.run("train", "--resume", "SOLVER.MAX_ITER", "50", "SOLVER.IMS_PER_BATCH", "2", "--num-gpus", replicas);
        refused(ended, replicas.equals("1") ? 2 : 3, place.trainImage(5).toString(), "the file is empty");
        String last = Workplace.read(place.output().resolve("last_checkpoint"));
        assertThat(place.log()).contains("it is saved as " + place.output().resolve(last));
        assertThat(place.checkpoint(last).iteration()).isBetween(3L, 5L);
    }

    @Test
    void missing_images_are_named_before_the_first_step() throws IOException {
        Files.delete(place.trainImage(3));
        Files.delete(place.trainImage(5));
        refusesTraining("SOLVER.MAX_ITER 50", "quickstart_train", "2 of ", " image files are missing: " + place.trainImage(3).getFileName() + ", "
                + place.trainImage(5).getFileName() + ";", place.trainImage(3).toString(), place.trainImage(1).getParent() + " holds");
        assertThat(place.log()).doesNotContain("iter: ");
    }

    @Test
    void a_bad_image_in_evaluation() throws IOException {
        assertThat(place.run("train").code()).isZero();
        Path image = new SampleSet(place.data()).valImages().resolve("000002.png");
        Files.delete(image);
        refused(place.run("eval", "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString()), 2, image.toString(), "image files are missing");
    }

    // Annotations

    private void edited(Consumer<ObjectNode> edit, String... words) {
        place.editTrainJson(edit);
        refusesTraining("", words);
    }

    private static ObjectNode annotation(ObjectNode json, int index) {
        return (ObjectNode) json.get("annotations").get(index);
    }

    private static void box(ObjectNode json, int index, double x, double y, double w, double h) {
        annotation(json, index).set("bbox", json.arrayNode().add(x).add(y).add(w).add(h));
    }

    @Test
    void a_file_that_is_no_coco() {
        edited(json -> json.remove("categories"), "train.json", "no key categories");
        place.write(new SampleSet(place.data()).trainJson(), "[1, 2]");
        refusesTraining("", "train.json", "a list, not COCO annotations");
        place.write(new SampleSet(place.data()).trainJson(), "{\"images\": [");
        refusesTraining("", "train.json");
        place.write(new SampleSet(place.data()).trainJson(), "no JSON at all");
        refusesTraining("", "train.json");
    }

    @Test
    void an_unknown_category() {
        edited(json -> annotation(json, 0).put("category_id", 77), "train.json", "unknown category id 77 in 1 annotations (ids 1)");
    }

    @Test
    void an_annotation_of_an_unknown_image() {
        edited(json -> annotation(json, 0).put("image_id", 99), "train.json", "unknown image id 99");
    }

    @Test
    void zero_images() {
        edited(json -> {
            json.putArray("images");
            json.putArray("annotations");
        }, "train.json", "zero images");
    }

    @Test
    void no_box_to_train_on() {
        place.editTrainJson(json -> json.putArray("annotations"));
        refusesTraining("DATALOADER.FILTER_EMPTY_ANNOTATIONS True", "none of its 6 images has a box to train on");
        assertThat(place.run("train").code()).as("kept, empty images teach the background").isZero();
    }

    @Test
    void bad_boxes_are_repaired_or_dropped_and_counted() {
        place.editTrainJson(json -> {
            box(json, 0, -5, -5, 20, 20);
            box(json, 1, 10, 10, 0, 5);
            box(json, 2, 500, 500, 5, 5);
            ((ArrayNode) annotation(json, 3).get("bbox")).set(0, json.textNode("NaN"));
        });
        Path file = new SampleSet(place.data()).trainJson();
        place.write(file, Workplace.read(file).replace("\"NaN\"", "NaN")); // as Python writes it: no JSON, but met in the wild
        Workplace.Ended strict = place.run("train", "--strict-data");
        refused(strict, 2, "--strict-data refuses", "annotation ids 1)", "annotation ids 2)", "annotation ids 3)",
                "1 box with a coordinate that is not a finite number; dropped (annotation ids 4)");

        assertThat(place.run("train")).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.log()).contains("1 box with a width or height that is not positive; dropped (annotation ids 2)",
                "1 box wholly outside the image; dropped (annotation ids 3)", "1 box reaching out of the image; clipped to it (annotation ids 1)");
    }

    // Weights

    @Test
    void weights_of_another_architecture() {
        assertThat(place.run("train").code()).isZero();
        String weights = place.output().resolve("model_final.safetensors").toString();
        refused(place.run("eval", "MODEL.WEIGHTS", weights, "MODEL.SparseRCNN.NUM_HEADS", "3", "MODEL.SparseRCNN.NUM_PROPOSALS", "4"), 2, weights,
                "missing: head.head_series.2.", "wrong shape: init_proposal_boxes.weight ([6, 4] in the file, [4, 4] in the model)");
        refusesTraining("MODEL.WEIGHTS " + weights + " MODEL.RESNETS.STEM_OUT_CHANNELS 4 MODEL.RESNETS.RES2_OUT_CHANNELS 4 MODEL.RESNETS.NORM FrozenBN"
                + " MODEL.FPN.OUT_CHANNELS 16 MODEL.SparseRCNN.HIDDEN_DIM 16", weights, "none of its tensors fits the model's 'backbone.…'");
        refusesTraining("--resume MODEL.SparseRCNN.NUM_HEADS 1", weights, "MODEL.SparseRCNN.NUM_HEADS is 1, in the checkpoint it is 2");
        refusesTraining("--resume MODEL.SparseRCNN.NUM_HEADS 3 SOLVER.OPTIMIZER SGD", weights, "MODEL.SparseRCNN.NUM_HEADS is 3, in the checkpoint it is 2",
                "SOLVER.OPTIMIZER is 'SGD', in the checkpoint it is 'ADAMW'", "config.yaml", "--init-from");
        assertThat(Workplace.read(place.output().resolve("config.yaml"))).as("the run's config").contains("NUM_HEADS: 2");
    }

    @Test
    void damaged_and_malicious_weights() throws IOException {
        assertThat(place.run("train").code()).isZero();
        byte[] good = Files.readAllBytes(place.output().resolve("model_final.safetensors"));
        Path bad = folder.resolve("bad.safetensors");
        Files.write(bad, Arrays.copyOf(good, good.length - 1000));
        refusesTraining("MODEL.WEIGHTS " + bad, bad.toString(), "not a usable checkpoint");
        Files.write(bad, ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(Long.MAX_VALUE).array());
        refusesTraining("MODEL.WEIGHTS " + bad, bad.toString());
        Path pickle = folder.resolve("bad.pkl");
        Path proof = folder.resolve("proof");
        Files.writeString(pickle, "\u0080\u0002cos\nsystem\nX%stouch %s\u0085R.".formatted("\u0000", proof), StandardCharsets.ISO_8859_1);
        refusesTraining("MODEL.WEIGHTS " + pickle, pickle.toString());
        assertThat(proof).doesNotExist();
        refusesTraining("MODEL.WEIGHTS " + folder.resolve("none.pth"), "none.pth: no such file; check MODEL.WEIGHTS or the option that names it");
        Files.delete(place.output().resolve("model_final.safetensors"));
        refusesTraining("--resume", "last_checkpoint: names the checkpoint 'model_final.safetensors', which is not there");
    }

    @Test
    void a_checkpoint_whose_categories_are_damaged_still_gives_its_reason() throws IOException {
        assertThat(place.run("train").code()).isZero();
        Path weights = place.output().resolve("model_final.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int ids = text.indexOf("\\\"ids\\\":[1,2,3,4,5]");
        assertThat(ids).isPositive();
        bytes[ids + "\\\"ids\\\":[".length()] = '2';
        Files.write(weights, bytes);
        refused(place.run("demo", "--input", place.trainImage(1).toString(), "--output", folder.resolve("out").toString(), "--opts", "MODEL.WEIGHTS",
                weights.toString()), 2, weights.toString(), "its list of categories is damaged");
    }

    // Numbers

    @Test
    void numbers_that_are_not_finite_skip_steps_and_end_the_run() {
        assertThat(place.run("train", "SOLVER.MAX_ITER", "3").code()).isZero();
        Workplace.Ended ended = place.run("train", "--resume", "SOLVER.MAX_ITER", "50", "SOLVER.BASE_LR", "1e20", "SOLVER.NONFINITE_STEPS", "3");
        refused(ended, 3, "stopped after 3 steps in a row", "loss_ce", "iteration ", "lr 1e+20", "image ids [", "first not finite: ", "largest weight: ",
                "Lower SOLVER.BASE_LR");
        assertThat(linesWith(place.log(), "step skipped")).isEqualTo(3);
        assertThat(Workplace.read(place.output().resolve("last_checkpoint"))).as("no diverged checkpoint").isEqualTo("model_final.safetensors");
    }

    private static long linesWith(String text, String word) {
        return text.lines().filter(line -> line.contains(word)).count();
    }
}
