package org.sparsercnn.data.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparsercnn.data.convert.LabelFolder.Read;
import org.sparsercnn.data.convert.LabelledImage.Instance;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.BadInput;

/** Beside recorded outputs of the published converter. */
class CrowdHumanSourceTest {
    @TempDir
    Path root;

    private LabelFolder folder;

    @BeforeEach
    void setUp() {
        folder = new LabelFolder(root);
    }

    static Stream<JsonNode> recorded() {
        JsonNode cases = Golden.json("crowdhuman-convert").get("convert");
        assertThat(cases).hasSize(3);
        return cases.valueStream();
    }

    static Stream<JsonNode> recordedErrors() {
        JsonNode cases = Golden.json("crowdhuman-convert").get("convert_errors");
        assertThat(cases).hasSize(5);
        return cases.valueStream();
    }

    private Read read(String... lines) {
        folder.text("annotation_val.odgt", lines);
        return LabelFolder.read(DatasetFormat.CROWDHUMAN, folder.inputs());
    }

    private String json(Read read) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (CocoJsonWriter writer = new CocoJsonWriter(out, root)) {
            for (LabelledImage image : read.images()) {
                writer.image(image);
            }
            writer.finish(read.source().categories());
        }
        try (Stream<Path> files = Files.list(root)) {
            assertThat(files.map(Path::toString)).as("the temporary file is gone").noneMatch(name -> name.endsWith(".part"));
        }
        return out.toString(StandardCharsets.US_ASCII);
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void every_byte_is_as_published(JsonNode c) throws IOException {
        c.get("image_sizes_wh").properties().forEach(e -> folder.picture("CrowdHuman_val/" + e.getKey() + ".jpg", e.getValue().get(0).asInt(), e.getValue().get(1).asInt()));
        Read read = read(c.get("val_odgt").asText().stripTrailing());
        assertThat(read.bad()).isEmpty();
        assertThat(json(read)).isEqualTo(c.get("coco_text").asText());
    }

    /** Where the published converter ends in an exception, all that is not in doubt is read. */
    @ParameterizedTest
    @MethodSource("recordedErrors")
    void what_the_published_converter_fails_at(JsonNode c) throws IOException {
        c.get("existing_images").properties().forEach(e -> folder.picture("CrowdHuman_val/" + e.getKey() + ".jpg", e.getValue().get(0).asInt(), e.getValue().get(1).asInt()));
        Read read = read(c.get("val_odgt").asText());
        String annotations = json(read).replaceAll(".*\"annotations\": \\[(.*)\\], \"categories\".*", "$1");
        switch (c.get("name").asText()) {
            case "missing_vbox" -> assertThat(annotations)
                    .isEqualTo("{\"id\": 1, \"category_id\": 1, \"image_id\": 1, \"bbox\": [1, 2, 3, 4], \"area\": 12, \"iscrowd\": 0}");
            case "extra_null" -> assertThat(annotations)
                    .isEqualTo("{\"id\": 1, \"category_id\": 1, \"image_id\": 1, \"bbox_vis\": [1, 2, 3, 4], \"bbox\": [1, 2, 3, 4], \"area\": 12, \"iscrowd\": 0}");
            case "blank_line" -> assertThat(read.names()).containsExactly("a.jpg");
            case "missing_gtboxes" -> assertThat(read.bad()).contains("annotation_val.odgt, line 1: an object with a text \"ID\" and a list \"gtboxes\" was expected");
            case "missing_image" -> assertThat(read.bad()).contains("labels without their image: 1", "annotation_val.odgt, line 1: no image", "b.jpg");
            default -> throw new AssertionError("no expectation of " + c.get("name"));
        }
        assertThat(read.findings().bad()).isEqualTo(c.get("name").asText().matches("missing_(gtboxes|image)") ? 1 : 0);
    }

    @Test
    void broken_lines_are_named_and_the_others_read() {
        folder.picture("Images/a.jpg", 20, 10);
        folder.picture("Images/b.jpg", 20, 10);
        Read read = read("{\"ID\": \"a\", \"gtboxes\": [{\"tag\": \"person\", \"fbox\": [1, 2, 3, 4]}]}", "{\"ID\": \"b\", \"gtb", "", "[]", "{\"ID\": \"b\", \"gtboxes\": []} {}",
                "{\"ID\": 7, \"gtboxes\": []}", "{\"ID\": \"a\", \"gtboxes\": []}", "{\"ID\": \"b\", \"gtboxes\": []}");
        assertThat(read.names()).containsExactly("a.jpg", "b.jpg");
        assertThat(read.findings().count(Finding.UNREADABLE)).isEqualTo(4);
        assertThat(read.bad()).contains(".odgt, line 2: no JSON: ", ".odgt, line 4: an object", ".odgt, line 5: no JSON: ", ".odgt, line 6: an object", ".odgt, line 7: a.jpg once more");
    }

    @Test
    void text_as_windows_writes_it() {
        folder.picture("Images/a.jpg", 20, 10);
        Read read = read("\uFEFF{\"ID\": \"a\", \"gtboxes\": []}\r", "\r");
        assertThat(read.bad()).isEmpty();
        assertThat(read.names()).containsExactly("a.jpg");
    }

    @Test
    void boxes_that_are_none() {
        folder.picture("Images/a.jpg", 20, 10);
        Read read = read("{\"ID\": \"a\", \"gtboxes\": [{\"fbox\": [1, 2, 3]}, {\"fbox\": [1, 2, 3, \"4\"]}, {}, {\"fbox\": [1, 2, 3, NaN]}, {\"fbox\": [1, 2, 3, 4], \"vbox\": null}, 5,"
                + " {\"fbox\": [1, 2, 3, 4]}]}");
        assertThat(read.image("a.jpg").instances()).hasSize(1);
        assertThat(read.findings().count(Finding.BAD_OBJECT)).isEqualTo(6);
        assertThat(read.bad()).contains("annotation_val.odgt, line 1 (a), gtboxes[0]: fbox is [1,2,3]", "gtboxes[5]");
    }

    /** As published, but said. */
    @Test
    void masks_and_boxes_without_area_are_kept() {
        folder.picture("Images/a.jpg", 20, 10);
        Read read = read("{\"ID\": \"a\", \"gtboxes\": [{\"tag\": \"mask\", \"fbox\": [1, 2, 3, 4]}, {\"tag\": \"mask\", \"fbox\": [1, 2, 3, 4], \"extra\": {\"ignore\": 1}},"
                + " {\"tag\": \"person\", \"fbox\": [1, 2, 0, 4]}]}");
        assertThat(read.image("a.jpg").instances()).extracting(Instance::crowd).containsExactly(false, true, false);
        assertThat(read.harmless()).contains("boxes tagged as something else than a person; persons all the same, as published: 1", "line 1 (a), gtboxes[0]: \"mask\"",
                "boxes without area; kept, as published (training drops them): 1", "line 1 (a), gtboxes[2]: [1,2,0,4]");
        assertThat(read.findings().bad()).isZero();
    }

    /** Python has integers without bounds, and floats that stay floats. */
    @Test
    void numbers_keep_their_kind() throws IOException {
        folder.picture("Images/a.jpg", 20, 10);
        Read read = read("{\"ID\": \"a\", \"gtboxes\": [{\"fbox\": [1.0, -2, 3e1, 1E-5]}, {\"fbox\": [-0, -0.0, 4294967296, 4294967296]}, {\"fbox\": [0.1, 1e16, 2, 0.7]}]}");
        assertThat(json(read)).contains("\"bbox\": [1.0, -2, 30.0, 1e-05], \"area\": 0.00030000000000000003,", "\"bbox\": [0, -0.0, 4294967296, 4294967296], \"area\": 18446744073709551616,",
                "\"bbox\": [0.1, 1e+16, 2, 0.7], \"area\": 1.4,");
    }

    @Test
    void which_file() {
        folder.picture("CrowdHuman_train/a.jpg", 20, 10);
        folder.picture("Images/a.jpg", 30, 10);
        folder.text("annotation_train.odgt", "{\"ID\": \"a\", \"gtboxes\": []}");
        Path val = folder.text("annotation_val.odgt", "{\"ID\": \"a\", \"gtboxes\": []}");
        Read train = LabelFolder.read(DatasetFormat.CROWDHUMAN, folder.inputs("train"));
        assertThat(train.image("a.jpg").size().width()).isEqualTo(20);
        assertThat(train.source().splits()).containsExactly("train", "val");
        Inputs file = new Inputs(val, java.util.Optional.empty(), java.util.Optional.empty(), List.of(), List.of(), Difficult.CROWD);
        assertThat(LabelFolder.read(DatasetFormat.CROWDHUMAN, file).image("a.jpg").size().width()).as("the download's folder").isEqualTo(30);
        assertThatThrownBy(() -> DatasetFormat.CROWDHUMAN.open(folder.inputs())).isInstanceOf(BadInput.class)
                .hasMessageContaining("one .odgt file is converted at a time").hasMessageContaining("annotation_train, annotation_val");
        assertThatThrownBy(() -> DatasetFormat.CROWDHUMAN.open(folder.inputs("test"))).isInstanceOf(BadInput.class);
    }

    @Test
    void bytes_that_are_no_text() throws IOException {
        folder.picture("Images/a.jpg", 20, 10);
        Files.write(root.resolve("annotation_val.odgt"), new byte[] {'{', (byte) 0xFF, (byte) 0xFE, '}'});
        LabelSource source = DatasetFormat.CROWDHUMAN.open(folder.inputs());
        assertThatThrownBy(source::steps).isInstanceOf(BadInput.class).hasMessageContaining("annotation_val.odgt: cannot be read: it is no UTF-8 text");
    }
}
