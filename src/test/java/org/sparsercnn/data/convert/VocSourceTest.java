package org.sparsercnn.data.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.data.convert.LabelFolder.Read;
import org.sparsercnn.data.convert.LabelledImage.Instance;
import org.sparsercnn.util.BadInput;

class VocSourceTest {
    @TempDir
    Path root;

    private LabelFolder folder;

    @BeforeEach
    void setUp() {
        folder = new LabelFolder(root);
    }

    private static String object(String name, Object xmin, Object ymin, Object xmax, Object ymax, String... more) {
        return "<object><name>%s</name>%s<bndbox><xmin>%s</xmin><ymin>%s</ymin><xmax>%s</xmax><ymax>%s</ymax></bndbox></object>"
                .formatted(name, String.join("", more), xmin, ymin, xmax, ymax);
    }

    /** An image of 64x48 pixels and its annotation file. */
    private void add(String stem, String... objects) {
        folder.picture("JPEGImages/" + stem + ".jpg", 64, 48);
        xml(stem, objects);
    }

    private Path xml(String stem, String... objects) {
        return folder.text("Annotations/" + stem + ".xml", "<annotation>", "<filename>" + stem + ".jpg</filename>",
                "<size><width>64</width><height>48</height><depth>3</depth></size>", String.join("\n", objects), "</annotation>");
    }

    private Read read(String... splits) {
        return LabelFolder.read(DatasetFormat.VOC, folder.inputs(splits));
    }

    private static List<List<Number>> boxes(LabelledImage image) {
        return image.instances().stream().map(instance -> instance.box().xywh()).toList();
    }

    /** As detectron2's load_voc_instances: one is subtracted from the left and upper edge only. */
    @Test
    void boxes_count_pixels_from_1_and_include_the_last() {
        add("a", object("cat", 1, 1, 64, 48), object("cat", 10, 20, 10, 20), object("cat", "3.5", "4.25", "20.5", "30"), object("cat", " 7 ", "8.0", "9", "1e1"));
        Read read = read();
        assertThat(read.bad()).isEmpty();
        assertThat(boxes(read.image("a.jpg"))).containsExactly(List.of(0L, 0L, 64L, 48L), List.of(9L, 19L, 1L, 1L), List.of(2.5, 3.25, 18L, 26.75),
                List.of(6L, 7L, 3L, 3L));
        assertThat(read.image("a.jpg").size()).isEqualTo(new ImageSize(64, 48));
    }

    @Test
    void classes_are_those_of_all_files_whatever_the_split() {
        add("a", object("zebra", 1, 1, 5, 5));
        add("b", object("cat", 1, 1, 5, 5));
        add("c", object("Dog", 1, 1, 5, 5));
        folder.text("ImageSets/Main/train.txt", "a");
        Read read = read("train");
        assertThat(read.source().categories()).containsExactly("Dog", "cat", "zebra");
        assertThat(read.image("a.jpg").instances()).extracting(Instance::category).containsExactly(3);
        assertThat(read.source().splits()).containsExactly("train");
    }

    /** The order of the challenge's own list, which every VOC tool numbers by, is that of the letters. */
    @Test
    void the_twenty_classes_keep_their_standard_order() {
        List<String> standard = List.of("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
                "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor");
        add("a", standard.reversed().stream().map(name -> object(name, 1, 1, 5, 5)).toArray(String[]::new));
        assertThat(read().source().categories()).isEqualTo(standard);
    }

    @Test
    void named_classes_keep_their_order_and_refuse_others() {
        add("a", object("cat", 1, 1, 5, 5), object("dog", 1, 1, 5, 5));
        Read read = LabelFolder.read(DatasetFormat.VOC, new Inputs(root, Optional.empty(), Optional.empty(), List.of(), List.of("dog", "cow"), Difficult.CROWD));
        assertThat(read.source().categories()).containsExactly("dog", "cow");
        assertThat(read.image("a.jpg").instances()).extracting(Instance::category).containsExactly(1);
        assertThat(read.bad()).contains("objects of a class that is not in the list: 1", "a.xml, line 4: \"cat\"");
    }

    @ParameterizedTest
    @CsvSource({"CROWD,false;true", "KEEP,false;false", "DROP,false"})
    void difficult_objects(Difficult how, String crowd) {
        add("a", object("cat", 1, 1, 5, 5, "<difficult>0</difficult>"), object("cat", 2, 2, 6, 6, "<difficult>1</difficult>"));
        Read read = LabelFolder.read(DatasetFormat.VOC, new Inputs(root, Optional.empty(), Optional.empty(), List.of(), List.of(), how));
        assertThat(read.image("a.jpg").instances().stream().map(instance -> String.valueOf(instance.crowd())).toList()).isEqualTo(List.of(crowd.split(";")));
    }

    /** VOC 2012 has heads, hands and feet of persons, which are no objects. */
    @Test
    void parts_of_objects_are_passed_over() {
        add("a", "<object><part><name>head</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></part><name>person</name>"
                + "<bndbox><xmax>20</xmax><xmin>2</xmin><ymax>30</ymax><ymin>2</ymin></bndbox>"
                + "<part><name>foot</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></part></object>");
        Read read = read();
        assertThat(read.source().categories()).containsExactly("person");
        assertThat(boxes(read.image("a.jpg"))).containsExactly(List.of(1L, 1L, 19L, 29L));
    }

    @Test
    void splits_order_the_images_and_may_be_several() {
        for (String stem : List.of("a", "b", "c", "d")) {
            add(stem, object("cat", 1, 1, 5, 5));
        }
        folder.text("ImageSets/Main/train.txt", "c", "", "a ");
        folder.text("ImageSets/Main/val.txt", "b");
        assertThat(read("train", "val").names()).containsExactly("c.jpg", "a.jpg", "b.jpg");
        add("picture 1", object("cat", 1, 1, 5, 5));
        assertThat(read(folder.text("spaces.txt", "picture 1\r", "d\r").toString()).names()).containsExactly("picture 1.jpg", "d.jpg");
        folder.text("Annotations/picture 1.xml", "\uFEFF<annotation/>\r");
        assertThat(read(folder.text("mine.txt", "d").toString()).names()).containsExactly("d.jpg");
        assertThat(read().names()).containsExactly("a.jpg", "b.jpg", "c.jpg", "d.jpg", "picture 1.jpg");
    }

    @Test
    void splits_that_are_none() {
        add("a", object("cat", 1, 1, 5, 5));
        folder.text("ImageSets/Main/train.txt", "a");
        folder.text("ImageSets/Main/empty.txt", "", " ");
        folder.text("ImageSets/Main/cat_train.txt", "a  1");
        refused("--split val: no file", "there are cat_train, empty, train", "val");
        refused("empty.txt: the split is empty", "", "empty");
        refused("cat_train.txt, line 1: \"a  1\": the list of a single class", "such as train", "cat_train");
    }

    private void refused(String message, String more, String split) {
        assertThatThrownBy(() -> read(split)).isInstanceOf(BadInput.class).hasMessageContainingAll(message, more);
    }

    @Test
    void images_are_found_by_the_files_name_and_then_by_the_name_in_it() {
        folder.picture("JPEGImages/renamed.PNG", 64, 48);
        folder.picture("JPEGImages/b.jpg", 64, 48);
        folder.text("Annotations/renamed.xml", "<annotation><filename>IMG 1.jpg</filename>" + object("cat", 1, 1, 5, 5) + "</annotation>");
        folder.text("Annotations/0002.xml", "<annotation><filename>C:\\data\\b.jpg</filename><size><width>0</width><height>0</height></size></annotation>");
        assertThat(read().names()).containsExactly("b.jpg", "renamed.PNG");
    }

    /** labelImg and others leave the XML beside the image. */
    @Test
    void images_and_labels_in_one_folder() {
        folder.picture("a.jpg", 64, 48);
        folder.text("a.xml", "<annotation>" + object("cat", 1, 1, 5, 5) + "</annotation>");
        folder.text("jpg", "no image, whatever its name");
        Read read = read();
        assertThat(read.names()).containsExactly("a.jpg");
        assertThat(read.harmless()).isEmpty();
    }

    @Test
    void objects_that_are_none_are_counted_with_their_lines() {
        add("a", object("cat", 1, 1, 5, 5), object("cat", 9, 1, 5, 5), object("cat", "five", 1, 5, 5), object("cat", 100, 1, 120, 5), "<object><name>cat</name></object>",
                object("", 1, 1, 5, 5), object("cat", "NaN", 1, 5, 5), object("cat", "0x10", 1, 5, 5), object("cat", -50, 1, 0, 5));
        Read read = read();
        assertThat(read.image("a.jpg").instances()).hasSize(1);
        assertThat(read.findings().count(Finding.BAD_BOX)).isEqualTo(3);
        assertThat(read.findings().count(Finding.BAD_OBJECT)).isEqualTo(5);
        assertThat(read.bad()).contains("a.xml, line 5: from (8, 0) to (5, 5), in pixels from 0, there is nothing",
                "a.xml, line 6: <bndbox><xmin> is \"five\", a number was expected", "a.xml, line 7: from (99, 0) to (120, 5), in pixels from 0, lies outside the image of 64x48",
                "a.xml, line 8: no <bndbox><xmin>", "a.xml, line 9: no <name>", "a.xml, line 10: <bndbox><xmin> is \"NaN\"", "is \"0x10\"", "from (-51, 0) to (0, 5)");
    }

    @Test
    void overhanging_boxes_are_clipped_and_said() {
        add("a", object("cat", 0, 0, 70, 20));
        Read read = read();
        assertThat(read.findings().bad()).isZero();
        assertThat(boxes(read.image("a.jpg"))).containsExactly(List.of(0L, 0L, 64L, 20L));
        assertThat(read.harmless()).contains("boxes that reach out of their image; clipped to it: 1", "from (-1, -1) to (70, 20), in pixels from 0, in an image of 64x48");
    }

    @Test
    void images_and_labels_that_miss_each_other() {
        add("a", object("cat", 1, 1, 5, 5));
        xml("lost");
        folder.picture("JPEGImages/new.jpg", 8, 8);
        Read read = read();
        assertThat(read.names()).containsExactly("a.jpg");
        assertThat(read.bad()).contains("labels without their image: 1", "lost.xml: neither lost.jpg (.png, …) nor its filename \"lost.jpg\" is in");
        assertThat(read.harmless()).contains("images without a label file; left out: 1", "new.jpg");
        folder.text("ImageSets/Main/train.txt", "a", "new", "a");
        assertThat(read("train").bad()).contains("train.txt, line 2: there is no", "new.xml", "train.txt, line 3: a.jpg once more");
    }

    @Test
    void sizes_that_contradict_the_image() {
        add("a", object("cat", 1, 1, 5, 5));
        folder.picture("JPEGImages/a.jpg", 48, 64);
        assertThat(read().bad()).contains("images of another size than their labels say: 1", "a.jpg is 48x64, the file says 64x48; boxes must be those of the upright image");
        folder.picture("JPEGImages/a.jpg", 32, 32);
        assertThat(read().bad()).contains("a.jpg is 32x32, the file says 64x48").doesNotContain("upright");
    }

    @Test
    void images_that_cannot_be_read() {
        add("a", object("cat", 1, 1, 5, 5));
        folder.text("JPEGImages/a.jpg", "<html>gone</html>");
        assertThat(read().bad()).contains("images that cannot be read: 1", "a.xml: ", "a.jpg: the image cannot be decoded: it is a text file (HTML or SVG)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "<annotation><object></annotation> | line 1: no XML: ",
        "<annotation>                      | line 2: no XML: ",
        "<html></html>                     | line 1: the outermost element is <html>, <annotation> was expected",
        "{}                                | line 1: no XML: ",
        "''                                | line 2: no XML: Premature end of file."})
    void broken_xml_is_named_with_its_line(String text, String message) {
        add("good", object("cat", 1, 1, 5, 5));
        add("bad");
        folder.text("Annotations/bad.xml", text);
        Read read = read();
        assertThat(read.names()).containsExactly("good.jpg");
        assertThat(read.bad()).contains("files or lines that cannot be read: 1", root.resolve("Annotations/bad.xml") + ", " + message);
    }

    @Test
    void bytes_of_another_encoding() throws IOException {
        add("good", object("cat", 1, 1, 5, 5));
        add("bad");
        Files.write(root.resolve("Annotations/bad.xml"), "<annotation><object><name>K\u00e4fer</name></object></annotation>".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(read().bad()).contains("bad.xml, ", "UTF-8");
        Files.write(root.resolve("Annotations/bad.xml"), ("<?xml version=\"1.0\" encoding=\"GBK\"?><annotation>" + object("\u732b", 1, 1, 5, 5) + "</annotation>").getBytes("GBK"));
        assertThat(read().source().categories()).containsExactly("cat", "\u732b");
    }

    /** An entity could name a file or an address. */
    @Test
    void external_entities_are_refused_and_nothing_is_opened() throws IOException {
        add("good", object("cat", 1, 1, 5, 5));
        Path secret = folder.text("secret.txt", "treasure");
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "http://127.0.0.1:" + server.getLocalPort() + "/x.dtd";
            add("file");
            folder.text("Annotations/file.xml", "<!DOCTYPE annotation [<!ENTITY x SYSTEM \"" + secret.toUri() + "\">]>", "<annotation><object><name>&x;</name></object></annotation>");
            add("web");
            folder.text("Annotations/web.xml", "<!DOCTYPE annotation SYSTEM \"" + address + "\">", "<annotation/>");
            add("parameter");
            folder.text("Annotations/parameter.xml", "<!DOCTYPE annotation [<!ENTITY % x SYSTEM \"" + address + "\"> %x;]>", "<annotation/>");
            Read read = read();
            assertThat(read.names()).containsExactly("good.jpg");
            assertThat(read.source().categories()).containsExactly("cat");
            assertThat(read.findings().count(Finding.UNREADABLE)).isEqualTo(3);
            assertThat(read.bad()).contains("file.xml, line 1: a DOCTYPE", "web.xml, line 1: a DOCTYPE", "parameter.xml, line 1: a DOCTYPE").doesNotContain("treasure");
            server.setSoTimeout(200);
            assertThatThrownBy(server::accept).as("nobody called").isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void entities_that_multiply_and_elements_without_end_are_refused() {
        add("good", object("cat", 1, 1, 5, 5));
        add("laughs");
        StringBuilder laughs = new StringBuilder("<!DOCTYPE annotation [<!ENTITY l0 \"lol\">");
        for (int i = 1; i < 12; i++) {
            laughs.append("<!ENTITY l").append(i).append(" \"").append(("&l" + (i - 1) + ";").repeat(10)).append("\">");
        }
        folder.text("Annotations/laughs.xml", laughs + "]>", "<annotation><object><name>&l11;</name></object></annotation>");
        add("deep");
        folder.text("Annotations/deep.xml", "<annotation>" + "<a>".repeat(300_000));
        Read read = read();
        assertThat(read.names()).containsExactly("good.jpg");
        assertThat(read.bad()).contains("laughs.xml, line 1: a DOCTYPE", "deep.xml, line 1: no XML");
    }

    @Test
    void folders_that_are_none() {
        assertThatThrownBy(this::read).isInstanceOf(BadInput.class).hasMessageContaining(root + ": no annotation file (*.xml) is there");
        xml("a");
        assertThatThrownBy(this::read).isInstanceOf(BadInput.class).hasMessageContaining("no folder with the images; looked for JPEGImages, images");
        add("a");
        assertThatThrownBy(this::read).isInstanceOf(BadInput.class).hasMessageContaining("no annotation file (*.xml) has an object with a name");
    }
}
