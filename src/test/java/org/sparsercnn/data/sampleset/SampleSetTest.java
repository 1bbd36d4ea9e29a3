package org.sparsercnn.data.sampleset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

class SampleSetTest {
    private static final int SIZE = 64;

    @TempDir
    Path temporary;

    private Path folder;

    @BeforeEach
    void nameTheFolder() {
        folder = temporary.resolve("sets/shapes");
    }

    @Test
    void theFolderIsACocoDataset() throws Exception {
        SampleSet set = SampleSet.write(folder, 5, 3, SIZE, 42);
        assertThat(names(folder)).containsExactly("annotations", "sample-set.json", "train", "val");
        assertThat(names(folder.getParent())).as("nothing temporary is left").containsExactly("shapes");
        assertThat(names(set.trainImages()))
                .containsExactly("000001.png", "000002.png", "000003.png", "000004.png", "000005.png");
        JsonNode train = Json.read(set.trainJson(), JsonNode.class);
        assertThat(train.get("images")).hasSize(5);
        assertThat(train.get("categories").findValuesAsText("name")).isEqualTo(SampleSet.CATEGORIES).hasSize(5);
        for (int i = 0; i < 5; i++) {
            JsonNode image = train.get("images").get(i);
            Scene scene = Scene.draw(SIZE, 42, i);
            assertThat(image.get("width").asInt()).isEqualTo(SIZE);
            BufferedImage picture = ImageIO.read(set.trainImages().resolve(image.get("file_name").asText()).toFile());
            for (int p = 0; p < SIZE * SIZE; p++) {
                byte[] rgb = scene.rgb();
                int wanted = (rgb[3 * p] & 255) << 16 | (rgb[3 * p + 1] & 255) << 8 | rgb[3 * p + 2] & 255;
                assertThat(picture.getRGB(p % SIZE, p / SIZE) & 0xFFFFFF).isEqualTo(wanted);
            }
            List<JsonNode> annotations = annotationsOf(train, image.get("id").asLong());
            assertThat(annotations).hasSameSizeAs(scene.objects());
            for (int k = 0; k < annotations.size(); k++) {
                Polygon outline = scene.objects().get(k).outline();
                JsonNode box = annotations.get(k).get("bbox");
                assertThat(box.get(0).asDouble()).isBetween(outline.left() - 0.0051, outline.left() + 0.0051);
                assertThat(box.get(1).asDouble() + box.get(3).asDouble())
                        .isBetween(outline.bottom() - 0.0102, outline.bottom() + 0.0102);
                assertThat(annotations.get(k).get("category_id").asInt())
                        .isEqualTo(1 + scene.objects().get(k).shape().ordinal());
                assertThat(annotations.get(k).get("iscrowd").asInt()).isZero();
                assertThat(annotations.get(k).get("area").asDouble()).isPositive();
            }
        }
    }

    @Test
    void validationPicturesAreOthers() throws Exception {
        SampleSet set = SampleSet.write(folder, 2, 2, SIZE, 42);
        assertThat(Files.readAllBytes(set.valImages().resolve("000001.png")))
                .isNotEqualTo(Files.readAllBytes(set.trainImages().resolve("000001.png")));
        assertThat(Files.readString(set.valJson())).isNotEqualTo(Files.readString(set.trainJson()));
    }

    @Test
    void theSameSetIsLeftAsItIs() throws Exception {
        SampleSet set = SampleSet.write(folder, 3, 2, SIZE, 1);
        Path picture = set.trainImages().resolve("000002.png");
        FileTime old = FileTime.fromMillis(1_000_000);
        Files.setLastModifiedTime(picture, old);
        assertThat(SampleSet.write(folder, 3, 2, SIZE, 1)).isEqualTo(set);
        assertThat(Files.getLastModifiedTime(picture)).isEqualTo(old);
    }

    @Test
    void anotherOrADamagedSetIsMadeAnew() throws Exception {
        SampleSet set = SampleSet.write(folder, 3, 2, SIZE, 1);
        String json = Files.readString(set.trainJson());
        SampleSet.write(folder, 4, 2, SIZE, 2);
        assertThat(names(set.trainImages())).hasSize(4);
        assertThat(Files.readString(set.trainJson())).isNotEqualTo(json);
        SampleSet.write(folder, 3, 2, SIZE, 1);
        assertThat(Files.readString(set.trainJson())).isEqualTo(json);
        Files.delete(set.valImages().resolve("000002.png"));
        SampleSet.write(folder, 3, 2, SIZE, 1);
        assertThat(names(set.valImages())).hasSize(2);
        Files.writeString(folder.resolve("sample-set.json"), "{\"generator\": ");
        SampleSet.write(folder, 3, 2, SIZE, 1);
        assertThat(names(folder.getParent())).containsExactly("shapes");
    }

    @Test
    void aFolderWithSomethingElseInItIsRefusedAndLeftAlone() throws Exception {
        Files.createDirectories(folder.resolve("train"));
        Path mine = Files.writeString(folder.resolve("train/mine.txt"), "precious");
        assertThatThrownBy(() -> SampleSet.write(folder, 3, 2, SIZE, 1))
                .isInstanceOf(BadInput.class)
                .hasMessageContaining(folder.toString());
        assertThat(mine).hasContent("precious");
        Path file = Files.writeString(temporary.resolve("file"), "x");
        assertThatThrownBy(() -> SampleSet.write(file, 3, 2, SIZE, 1)).isInstanceOf(BadInput.class);
        assertThatThrownBy(() -> SampleSet.write(file.resolve("below"), 3, 2, SIZE, 1)).isInstanceOf(BadInput.class);
    }

    @Test
    void anEmptyFolderIsFilledAndNonsenseRefused() throws Exception {
        Files.createDirectories(folder);
        assertThat(SampleSet.write(folder, 1, 1, SIZE, 1).trainJson()).exists();
        assertThatThrownBy(() -> SampleSet.write(folder, 0, 1, SIZE, 1)).isInstanceOf(BadInput.class);
        assertThatThrownBy(() -> SampleSet.write(folder, 1, 1, 20, 1)).isInstanceOf(BadInput.class);
    }

    private static List<JsonNode> annotationsOf(JsonNode coco, long image) {
        return coco.get("annotations").valueStream().filter(a -> a.get("image_id").asLong() == image).toList();
    }

    private static List<String> names(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }
}
