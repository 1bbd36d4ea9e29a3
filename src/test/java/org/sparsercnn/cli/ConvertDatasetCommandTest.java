package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.util.Json;

/** {@code convert-dataset} on the sample set, whose labels are first put into the other formats. */
class ConvertDatasetCommandTest {
    @TempDir
    Path folder;

    private Workplace place;
    private SampleSet set;

    @BeforeEach
    void setUp() {
        place = Workplace.in(folder);
        set = new SampleSet(place.data());
    }

    /** How a command ended, and what it wrote to standard output. */
    private record Told(Workplace.Ended ended, String out) {}

    private Told convert(Object... arguments) {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            String[] all = Stream.concat(Stream.of("convert-dataset"), Arrays.stream(arguments).map(Object::toString)).toArray(String[]::new);
            return new Told(place.call(all), out.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(before);
        }
    }

    private static JsonNode read(Path json) {
        return Json.read(json, JsonNode.class);
    }

    private static JsonNode byId(JsonNode list, long id) {
        return list.valueStream().filter(entry -> entry.get("id").asLong() == id).findFirst().orElseThrow();
    }

    /** YOLO's layout: labels/train/000001.txt beside images/train/000001.png, classes in data.yaml. */
    private Path asYolo() throws IOException {
        Path yolo = folder.resolve("yolo set");
        for (String split : List.of("train", "val")) {
            JsonNode coco = read(split.equals("train") ? set.trainJson() : set.valJson());
            Files.createDirectories(yolo.resolve("images"));
            Files.createSymbolicLink(yolo.resolve("images").resolve(split), split.equals("train") ? set.trainImages() : set.valImages());
            for (JsonNode image : coco.get("images")) {
                double w = image.get("width").asDouble();
                double h = image.get("height").asDouble();
                StringBuilder rows = new StringBuilder();
                coco.get("annotations").valueStream().filter(a -> a.get("image_id").equals(image.get("id"))).forEach(a -> {
                    JsonNode box = a.get("bbox");
                    rows.append(String.format(Locale.ROOT, "%d %.6f %.6f %.6f %.6f%n", a.get("category_id").asInt() - 1, (box.get(0).asDouble() + box.get(2).asDouble() / 2) / w,
                            (box.get(1).asDouble() + box.get(3).asDouble() / 2) / h, box.get(2).asDouble() / w, box.get(3).asDouble() / h));
                });
                place.write(yolo.resolve("labels").resolve(split).resolve(image.get("file_name").asText().replace(".png", ".txt")), rows.toString());
            }
        }
        place.write(yolo.resolve("data.yaml"), "path: .\ntrain: images/train\nval: images/val\nnc: 5\nnames: [" + String.join(", ", SampleSet.CATEGORIES) + "]\n");
        return yolo;
    }

    /** Pascal VOC's layout, boxes rounded to pixels from 1, both splits in one folder. */
    private Path asVoc() throws IOException {
        Path voc = folder.resolve("voc");
        for (String split : List.of("train", "val")) {
            JsonNode coco = read(split.equals("train") ? set.trainJson() : set.valJson());
            List<String> names = new ArrayList<>();
            for (JsonNode image : coco.get("images")) {
                String stem = split + "_" + image.get("file_name").asText().replace(".png", "");
                names.add(stem);
                Files.createDirectories(voc.resolve("JPEGImages"));
                Files.copy((split.equals("train") ? set.trainImages() : set.valImages()).resolve(image.get("file_name").asText()), voc.resolve("JPEGImages/" + stem + ".png"));
                StringBuilder xml = new StringBuilder("<annotation>\n");
                coco.get("annotations").valueStream().filter(a -> a.get("image_id").equals(image.get("id"))).forEach(a -> {
                    JsonNode box = a.get("bbox");
                    long x1 = Math.round(box.get(0).asDouble());
                    long y1 = Math.round(box.get(1).asDouble());
                    long x2 = Math.round(box.get(0).asDouble() + box.get(2).asDouble());
                    long y2 = Math.round(box.get(1).asDouble() + box.get(3).asDouble());
                    xml.append("<object><name>%s</name><bndbox><xmin>%d</xmin><ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox></object>\n".formatted(
                            SampleSet.CATEGORIES.get(a.get("category_id").asInt() - 1), x1 + 1, y1 + 1, x2, y2));
                });
                place.write(voc.resolve("Annotations/" + stem + ".xml"), xml + "</annotation>\n");
            }
            place.write(voc.resolve("ImageSets/Main/" + split + ".txt"), String.join("\n", names) + "\n");
        }
        return voc;
    }

    /** Names, sizes, classes, and boxes to a tolerance in pixels. */
    private static void assertSame(JsonNode converted, JsonNode original, double tolerancePx) {
        assertThat(converted.get("images")).hasSameSizeAs(original.get("images"));
        assertThat(converted.get("annotations")).hasSameSizeAs(original.get("annotations"));
        for (JsonNode a : converted.get("annotations")) {
            JsonNode other = byId(original.get("annotations"), a.get("id").asLong());
            assertThat(byId(converted.get("categories"), a.get("category_id").asLong()).get("name"))
                    .isEqualTo(byId(original.get("categories"), other.get("category_id").asLong()).get("name"));
            assertThat(a.get("image_id")).isEqualTo(other.get("image_id"));
            assertThat(a.get("iscrowd").asInt()).isZero();
            for (int i = 0; i < 4; i++) {
                assertThat(a.get("bbox").get(i).asDouble()).isCloseTo(other.get("bbox").get(i).asDouble(), within(tolerancePx));
            }
            assertThat(a.get("area").asDouble()).isEqualTo(a.get("bbox").get(2).asDouble() * a.get("bbox").get(3).asDouble());
        }
    }

    /** What a user does: convert, paste the printed commands. */
    @Test
    void yolo_to_coco_and_on_to_training_with_the_commands_that_are_printed() throws IOException {
        Path yolo = asYolo();
        Path train = folder.resolve("out/train.json");
        Told told = convert(yolo, "--split", "train", "--output", train);
        assertThat(told.ended).isEqualTo(new Workplace.Ended(0, ""));
        assertSame(read(train), read(set.trainJson()), 1e-3);
        assertThat(told.out).contains("Data set train.json (" + train + ")", "images                   6  all 64x64",
                "classes                  5", "Category ids: [1 circle, 2 square, 3 triangle, 4 star, 5 cross]");

        List<String[]> commands = commands(told.out);
        assertThat(commands).hasSize(2);
        assertThat(place.call(commands.getFirst())).isEqualTo(new Workplace.Ended(0, ""));
        assertSame(read(folder.resolve("out/val.json")), read(set.valJson()), 1e-3);
        assertThat(commands.getLast()).startsWith("train", "--config-file", "configs/sparsercnn.res50.100pro.3x.yaml");
        assertThat(place.run("train", Arrays.copyOfRange(commands.getLast(), 3, commands.getLast().length))).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.log()).contains("AP50");

        assertThat(commands(convert(yolo, "--split", "val", "--output", folder.resolve("out/val.json")).out)).as("the other split is converted").hasSize(1)
                .allSatisfy(words -> assertThat(words).containsSubsequence("--train-json", train.toString(), "--val-json", folder.resolve("out/val.json").toString()));
    }

    /** The printed commands' words behind {@code java -jar sparse-rcnn.jar}. */
    private static List<String[]> commands(String out) {
        return out.replaceAll("\\\\\\n", " ").lines().map(String::strip).filter(line -> line.startsWith("java -jar sparse-rcnn.jar "))
                .map(line -> Arrays.stream(line.split(" +(?=(?:[^']*'[^']*')*[^']*$)")).skip(3).map(word -> word.replace("'", "")).toArray(String[]::new)).toList();
    }

    @Test
    void voc_to_coco() throws IOException {
        Path voc = asVoc();
        Path train = folder.resolve("train.json");
        assertThat(convert("--from", "VOC", voc, "--split", "train", "--classes", String.join(",", SampleSet.CATEGORIES), "--output", train).ended).isEqualTo(new Workplace.Ended(0, ""));
        assertSame(read(train), read(set.trainJson()), 1); // either edge is rounded
        Told all = convert(voc, "--output", folder.resolve("all.json"));
        assertThat(read(folder.resolve("all.json")).at("/categories/0/name").asText()).as("sorted").isEqualTo("circle");
        assertThat(read(folder.resolve("all.json")).at("/categories/1/name").asText()).as("sorted").isEqualTo("cross");
        assertThat(all.out).contains("images                  10").doesNotContain("--val-json");
    }

    @Test
    void crowdhuman_to_coco_and_on_to_training_by_its_own_metric() throws IOException {
        Path crowd = folder.resolve("crowd");
        for (String split : List.of("train", "val")) {
            StringBuilder odgt = new StringBuilder();
            for (int i = 1; i <= 4; i++) {
                Path image = crowd.resolve("CrowdHuman_" + split).resolve("p" + i + ".jpg");
                Files.createDirectories(image.getParent());
                Files.write(image, BadInputTest.jpeg(64, 64));
                odgt.append("{\"ID\": \"p%d\", \"gtboxes\": [{\"tag\": \"person\", \"fbox\": [%d, 5, 20, 70], \"vbox\": [5, 5, 20, 50], \"extra\": {\"box_id\": 0}}]}%n".formatted(i, 8 * i));
            }
            place.write(crowd.resolve("annotation_" + split + ".odgt"), odgt.toString());
        }
        Told told = convert(crowd, "--split", "train", "--output", crowd.resolve("annotations/train.json"));
        assertThat(told.ended).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(read(crowd.resolve("annotations/train.json")).at("/annotations/0/bbox")).as("not clipped").hasToString("[8,5,20,70]");
        List<String[]> commands = commands(told.out);
        assertThat(place.call(commands.getFirst())).isEqualTo(new Workplace.Ended(0, ""));
        String[] train = commands.getLast();
        assertThat(train).startsWith("train", "--config-file", "configs/sparsercnn.crowdhuman.res50.500pro.50e.yaml").endsWith("--val-metric", "crowdhuman");
        String[] tiny = Stream.concat(Arrays.stream(train).skip(3), Stream.of("MODEL.SparseRCNN.NUM_CLASSES", "1")).toArray(String[]::new);
        assertThat(place.run("train", tiny)).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(place.log()).contains("mMR");
    }

    @Test
    void whatever_is_bad_is_listed_and_nothing_is_written() throws IOException {
        Path voc = asVoc();
        Path output = folder.resolve("out/train.json");
        place.write(output, "mine");
        place.write(voc.resolve("Annotations/train_000002.xml"), "<annotation><object>");
        Files.delete(voc.resolve("JPEGImages/train_000003.png"));
        Told told = convert(voc, "--split", "train", "--output", output);
        assertThat(told.ended.code()).isEqualTo(2);
        assertThat(told.ended.err()).startsWith("error: " + voc + ": 2 problems, nothing was written; repair them, or leave out what is bad with --skip-bad:").contains(
                "files or lines that cannot be read: 1", "train_000002.xml, line 1: no XML", "labels without their image: 1", "train_000003.xml: neither").doesNotContain("\tat ");
        assertThat(output).hasContent("mine");
        assertThat(told.out).isEmpty();
        try (Stream<Path> files = Files.list(output.getParent())) {
            assertThat(files).containsExactly(output);
        }

        assertThat(convert(voc, "--split", "train", "--skip-bad", "--output", output).ended).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(read(output).get("images").valueStream().map(image -> image.get("file_name").asText()))
                .containsExactly("train_000001.png", "train_000004.png", "train_000005.png", "train_000006.png");
        assertThat(read(output).get("images").valueStream().map(image -> image.get("id").asInt())).containsExactly(1, 2, 3, 4);
    }

    @Test
    void outputs_and_inputs_that_are_none() throws IOException {
        Path yolo = asYolo();
        Path output = folder.resolve("train.json");
        refused(convert(yolo, "--split", "train", "--output", folder), folder + ": is a folder; name a file such as");
        refused(convert(yolo.resolve("data.yaml"), "--split", "train", "--output", yolo.resolve("data.yaml")), "would be written over what is converted");
        refused(convert(yolo, "--split", "train", "--output", "/proc/self/task/train.json"), "/proc/self/task/train.json: cannot be written");
        refused(convert(folder.resolve("nowhere"), "--output", output), "nowhere: no such file or folder");
        refused(convert(yolo, "--images", folder.resolve("nowhere"), "--output", output), "--images " + folder.resolve("nowhere") + ": no such folder");
        refused(convert(yolo, "--split", "train", "--difficult", "drop", "--output", output), "--difficult: only Pascal VOC");
        refused(convert(yolo, "--from", "voc", "--labels", folder, "--output", output), "--labels: only YOLO");
        place.write(folder.resolve("nul/data.yaml"), "names: [a]\ntrain: \"a\\0b\"\n");
        refused(convert(folder.resolve("nul"), "--output", output), "nul: \"a\0b\" cannot be a file name");
        refused(convert(folder, "--output", output), "no known data set; wanted is a folder with");
        refused(convert(yolo, "--from", "coco", "--output", output), "'coco'");
        refused(convert(yolo), "Missing required option: '--output=FILE'");
        refused(convert(yolo, "--split", "train", "--classes", "a,a,b,c,d", "--output", output), "class names must differ");
        refused(convert(yolo, "--split", "test", "--output", output), "--split test: ");
        place.write(yolo.resolve("labels/only.txt"), "");
        refused(convert(yolo, "--images", set.trainImages(), "--labels", folder.resolve("yolo set/labels"), "--output", output), "none of the 6 images has a label file");
        try (Stream<Path> files = Files.list(yolo.resolve("labels/train"))) {
            files.forEach(file -> place.write(file, ""));
        }
        refused(convert(yolo, "--split", "train", "--output", output), "no object is left in 6 images, nothing was written");
        assertThat(output).doesNotExist();
    }

    private static void refused(Told told, String message) {
        assertThat(told.ended.err()).startsWith("error: ").contains(message).doesNotContain("\tat ", "Exception");
        assertThat(told.ended.code()).isEqualTo(2);
    }

    @Test
    void class_names_may_come_from_a_file() throws IOException {
        Path yolo = asYolo();
        Path names = folder.resolve("names.txt");
        place.write(names, "a\nb\n\nc\nd\ne, f\n");
        Path output = folder.resolve("train.json");
        assertThat(convert(yolo, "--split", "train", "--classes", names, "--output", output).ended).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(read(output).at("/categories/4/name").asText()).isEqualTo("e, f");
    }
}
