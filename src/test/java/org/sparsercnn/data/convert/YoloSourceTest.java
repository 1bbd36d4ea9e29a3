package org.sparsercnn.data.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.data.convert.LabelFolder.Read;
import org.sparsercnn.data.convert.LabelledImage.Instance;
import org.sparsercnn.util.BadInput;

class YoloSourceTest {
    @TempDir
    Path root;

    private LabelFolder folder;

    @BeforeEach
    void setUp() {
        folder = new LabelFolder(root);
    }

    private Read read(String... splits) {
        return LabelFolder.read(DatasetFormat.YOLO, folder.inputs(splits));
    }

    /** An image of 200x100 pixels. */
    private void add(String image, String labels, String... rows) {
        folder.picture(image, 200, 100);
        folder.text(labels, rows);
    }

    private static List<Number> box(LabelledImage image, int i) {
        return image.instances().get(i).box().xywh();
    }

    @Test
    void boxes_are_centre_and_size_in_fractions() {
        folder.text("classes.txt", "cat", "dog");
        add("images/a.jpg", "labels/a.txt", "0 0.5 0.5 1 1", "1 0.25 0.5 0.1 0.2", "", "1.0 .125 5e-1 0.003 1");
        Read read = read();
        assertThat(read.bad()).isEmpty();
        LabelledImage image = read.image("a.jpg");
        assertThat(image.instances()).extracting(Instance::category).containsExactly(1, 2, 2);
        assertThat(box(image, 0)).isEqualTo(List.of(0L, 0L, 200L, 100L));
        assertThat(box(image, 1)).isEqualTo(List.of(40L, 40L, 20L, 20L));
        assertThat(box(image, 2)).isEqualTo(List.of(24.7, 0L, 0.6, 100L));
        assertThat(read.source().categories()).containsExactly("cat", "dog");
    }

    @Test
    void polygons_become_the_box_around_them() {
        folder.text("classes.txt", "cat");
        add("images/a.jpg", "labels/a.txt", "0 0.1 0.5 0.2 0.2 0.4 0.9", "0 0.1 0.1 0.3 0.1 0.3 0.3 0.1 0.3");
        assertThat(box(read().image("a.jpg"), 0)).isEqualTo(List.of(20L, 20L, 60L, 70L));
        assertThat(box(read().image("a.jpg"), 1)).isEqualTo(List.of(20L, 10L, 40L, 20L));
    }

    @Test
    void rows_of_poses_begin_with_their_box() {
        folder.text("data.yaml", "names: [cat]", "kpt_shape: [2, 2]");
        add("images/a.jpg", "labels/a.txt", "0 0.5 0.5 0.1 0.1 0.9 0.9 0 0", "0 0.5 0.5 0.1 0.1");
        assertThat(box(read().image("a.jpg"), 0)).isEqualTo(List.of(90L, 45L, 20L, 10L));
        assertThat(read().bad()).contains("a.txt, line 2: 5 columns; a box has 9 with its kpt_shape");
    }

    /** Six decimals, as YOLO's tools write them, and back: a thousandth of a pixel. */
    @Test
    void boxes_survive_a_round_trip() {
        Random random = new Random(7);
        List<int[]> boxes = new ArrayList<>();
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            int w = 1 + random.nextInt(200);
            int h = 1 + random.nextInt(100);
            int x = random.nextInt(201 - w);
            int y = random.nextInt(101 - h);
            boxes.add(new int[] {x, y, w, h});
            rows.add(String.format(Locale.ROOT, "0 %.6f %.6f %.6f %.6f", (x + w / 2.0) / 200, (y + h / 2.0) / 100, w / 200.0, h / 100.0));
        }
        folder.text("classes.txt", "cat");
        add("images/a.jpg", "labels/a.txt", rows.toArray(String[]::new));
        Read read = read();
        assertThat(read.findings().bad() + read.findings().harmless()).isZero();
        for (int i = 0; i < boxes.size(); i++) {
            for (int c = 0; c < 4; c++) {
                assertThat(box(read.image("a.jpg"), i).get(c).doubleValue()).isCloseTo(boxes.get(i)[c], within(1e-3));
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "0 0.5 0.5 0.1       | 4 columns; a box has 5, a polygon an odd number from 7 on",
        "0 0.5 0.5 0.1 0.1 1 | 6 columns",
        "0,0.5,0.5,0.1,0.1   | 1 columns",
        "2 0.5 0.5 0.1 0.1   | class 2; there are 2, from 0 to 1",
        "-1 0.5 0.5 0.1 0.1  | class -1; there are 2",
        "0.5 0.5 0.5 0.1 0.1 | the class is \"0.5\", an index was expected",
        "cat 0.5 0.5 0.1 0.1 | the class is \"cat\", an index was expected",
        "0 100 50 20 20      | \"100\" in column 2; a fraction from 0 to 1 was expected",
        "0 0.5 -0.1 0.1 0.1  | \"-0.1\" in column 3",
        "0 0.5 0.5 nan 0.1   | \"nan\" in column 4",
        "0 0.5 0.5 0 0.1     | from (100, 45) to (100, 55), in pixels from 0, there is nothing",
        "0 0.1 0.1 0.2 0.2 0.3 1.3 | \"1.3\" in column 7"})
    void rows_that_are_none(String row, String message) {
        folder.text("classes.txt", "cat", "dog");
        add("images/a.jpg", "labels/a.txt", "0 0.5 0.5 0.1 0.1", row);
        Read read = read();
        assertThat(read.image("a.jpg").instances()).hasSize(1);
        assertThat(read.findings().bad()).isEqualTo(1);
        assertThat(read.bad()).contains(root.resolve("labels/a.txt") + ", line 2: " + message);
    }

    @Test
    void overhanging_boxes_are_clipped_and_rounding_is_not_worth_a_word() {
        folder.text("classes.txt", "cat");
        add("images/a.jpg", "labels/a.txt", "0 0.999999 0.5 0.1 0.1", "0 0.0499999 0.5 0.1 1.0000005");
        Read read = read();
        assertThat(read.findings().bad()).isZero();
        assertThat(read.findings().count(Finding.CLIPPED)).isEqualTo(1);
        assertThat(box(read.image("a.jpg"), 0)).isEqualTo(List.of(189.9998, 45L, 10.0002, 10L));
        assertThat(box(read.image("a.jpg"), 1)).isEqualTo(List.of(0L, 0L, 20L, 100L));
    }

    @Test
    void images_without_labels_are_background_and_labels_without_images_are_bad() {
        folder.text("labels/classes.txt", "cat");
        add("images/a.jpg", "labels/a.txt", "0 0.5 0.5 0.1 0.1");
        add("images/empty.jpg", "labels/empty.txt");
        folder.picture("images/none.png", 8, 8);
        for (int i = 0; i < 12; i++) {
            folder.text("labels/lost%02d.txt".formatted(i), "0 0.5 0.5 0.1 0.1");
        }
        Read read = read();
        assertThat(read.names()).containsExactly("a.jpg", "empty.jpg", "none.png");
        assertThat(read.image("none.png").instances()).isEmpty();
        assertThat(read.harmless()).contains("images without labels; kept, as images of nothing but background: 1", "none.png").doesNotContain("empty");
        assertThat(read.bad()).contains("labels without their image: 12", "lost00.txt", "lost09.txt", "… and 2 more").doesNotContain("lost10", "classes.txt");
    }

    @Test
    void labels_that_are_nowhere() {
        folder.text("classes.txt", "cat");
        folder.picture("images/a.jpg", 8, 8);
        refused("none of the 1 images has a label file; the first one's would be " + root.resolve("labels/a.txt"));
    }

    @Test
    void images_that_share_a_label_file_and_images_that_are_none() {
        folder.text("classes.txt", "cat");
        add("images/a.jpg", "labels/a.txt", "0 0.5 0.5 0.1 0.1");
        folder.picture("images/a.png", 8, 8);
        folder.text("images/w.webp", "RIFF....WEBPVP8 ");
        folder.text("labels/w.txt", "0 0.5 0.5 0.1 0.1");
        folder.text("images/notes.md", "no image");
        folder.text("images/._a.jpg", "a macOS archive's shadow");
        Read read = read();
        assertThat(read.names()).containsExactly("a.jpg");
        assertThat(read.bad()).contains("a.png: its label file is that of another image, too", "WebP files are not supported");
    }

    @ParameterizedTest
    @ValueSource(strings = {"names: [cat, dog]", "names: {0: cat, 1: dog}", "names:\n  1: dog\n  0: cat", "nc: 2\nnames: ['cat', 'dog']"})
    void names_of_data_yaml(String names) {
        folder.text("data.yaml", names, "train: images/train", "val: images/val");
        add("images/train/a.jpg", "labels/train/a.txt", "1 0.5 0.5 0.1 0.1");
        add("images/val/b.jpg", "labels/val/b.txt", "0 0.5 0.5 0.1 0.1");
        Read read = read("train");
        assertThat(read.source().categories()).containsExactly("cat", "dog");
        assertThat(read.names()).containsExactly("a.jpg");
        assertThat(read.source().imageFolder()).isEqualTo(root.resolve("images/train"));
        assertThat(read.source().splits()).containsExactly("train", "val");
        assertThat(read("train", "val").names()).containsExactly("train/a.jpg", "val/b.jpg");
        refused("data.yaml has the splits train, val; choose with --split train");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "nc: 3\\nnames: [cat, dog]  | nc is 3, but names lists 2: cat, dog",
        "names: {0: cat, 2: dog}    | names must have all indices from 0 on, found [0, 2]",
        "names: {a: cat}            | names has the key \"a\"; an index was expected",
        "names: 5                   | names is 5; a list",
        "names: [cat, cat]          | class names must differ, but these come twice: cat",
        "names: [cat                | data.yaml, line 2: not YAML: ",
        "- a                        | no data.yaml; keys such as names and train were expected",
        "nc: 1                      | no class names; looked for names in data.yaml, and for classes.txt and obj.names; give them with --classes a,b,c",
        "names: [a]\\ntrain: nowhere | there is no nowhere, looked for in"})
    void a_data_yaml_that_is_none(String text, String message) {
        folder.text("data.yaml", text.replace("\\n", "\n"));
        add("images/a.jpg", "labels/a.txt", "0 0.5 0.5 0.1 0.1");
        refused(message);
    }

    private void refused(String message, String... splits) {
        assertThatThrownBy(() -> read(splits)).isInstanceOf(BadInput.class).hasMessageContaining(message);
    }

    /** Folders as Ultralytics, Roboflow, darknet and labelImg lay them out. */
    @Test
    void other_layouts() {
        folder.text("roboflow/data.yaml", "names: [cat]", "train: ../train/images", "val: ../valid/images");
        add("roboflow/train/images/a.jpg", "roboflow/train/labels/a.txt", "0 0.5 0.5 0.1 0.1");
        add("roboflow/valid/images/b.jpg", "roboflow/valid/labels/b.txt", "0 0.5 0.5 0.1 0.1");
        assertOneBox("roboflow", "b.jpg", "val");

        folder.text("ultralytics/my.yaml", "path: data", "names: [cat]", "train: [images/one, images/two]", "val: images/three");
        add("ultralytics/data/images/one/a.jpg", "ultralytics/data/labels/one/a.txt", "0 0.5 0.5 0.1 0.1");
        add("ultralytics/data/images/two/a.jpg", "ultralytics/data/labels/two/a.txt", "0 0.5 0.5 0.1 0.1");
        add("ultralytics/data/images/three/c.jpg", "ultralytics/data/labels/three/c.txt", "0 0.5 0.5 0.1 0.1");
        assertOneBox("ultralytics", "c.jpg", "val");
        assertOneBox("ultralytics", "one/a.jpg", "train");

        folder.text("darknet/obj.names", "cat");
        folder.text("darknet/train.txt", "data/obj_train_data/a.jpg");
        add("darknet/obj_train_data/a.jpg", "darknet/obj_train_data/a.txt", "0 0.5 0.5 0.1 0.1");
        assertOneBox("darknet", "a.jpg", "train");

        folder.text("flat/classes.txt", "cat");
        add("flat/a.jpg", "flat/a.txt", "0 0.5 0.5 0.1 0.1");
        assertOneBox("flat", "a.jpg");

        folder.text("lists/data.yaml", "names: [cat]", "train: train.txt", "val: val.txt");
        folder.text("lists/train.txt", "./images/a.jpg", "./images/gone.jpg");
        folder.text("lists/val.txt", "./images/b.jpg");
        add("lists/images/a.jpg", "lists/labels/a.txt", "0 0.5 0.5 0.1 0.1");
        add("lists/images/b.jpg", "lists/labels/b.txt", "0 0.5 0.5 0.1 0.1");
        assertOneBox("lists", "b.jpg", "val");
        assertThat(readBelow("lists", "train").bad()).contains("labels without their image: 1", "gone.jpg is listed, but is not there").doesNotContain("b.txt");
        folder.text("lists/train.txt", "./images/a");
        assertThat(readBelow("lists", "train").bad()).contains("images/a is listed, but is not there");

        folder.text("mixed/data.yaml", "names: [cat]", "train: [images/one, more.txt]");
        folder.text("mixed/more.txt", "\uFEFF./images/two/b.jpg\r");
        add("mixed/images/one/a.jpg", "mixed/labels/one/a.txt", "0 0.5 0.5 0.1 0.1");
        add("mixed/images/two/b.jpg", "mixed/labels/two/b.txt", "0 0.5 0.5 0.1 0.1\r");
        assertOneBox("mixed", "one/a.jpg");
        assertOneBox("mixed", "two/b.jpg");
    }

    private Read readBelow(String name, String... splits) {
        return LabelFolder.read(DatasetFormat.YOLO, new LabelFolder(root.resolve(name)).inputs(splits));
    }

    private void assertOneBox(String layout, String image, String... splits) {
        Read read = readBelow(layout, splits);
        assertThat(read.findings().bad() + read.findings().harmless()).as("%s%s", read.bad(), read.harmless()).isZero();
        assertThat(read.image(image).instances()).hasSize(1);
    }

    @Test
    void folders_that_are_named() {
        add("pictures/deep/a.jpg", "texts/deep/a.txt", "0 0.5 0.5 0.1 0.1");
        folder.text("texts/deep/b.txt", "");
        Inputs inputs = new Inputs(root, Optional.of(root.resolve("pictures")), Optional.of(root.resolve("texts")), List.of(), List.of("cat"), Difficult.CROWD);
        Read read = LabelFolder.read(DatasetFormat.YOLO, inputs);
        assertThat(read.names()).containsExactly("deep/a.jpg");
        assertThat(read.bad()).contains("labels without their image: 1", "texts/deep/b.txt");
    }
}
