package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.testing.Array;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.BadInput;

/** Pixels and boxes of detectron2 on Pillow, byte by byte and float by float. */
class ImageGoldenTest {
    private static Golden golden;

    @BeforeAll
    static void load() {
        golden = Golden.load("image");
    }

    @ParameterizedTest
    @ValueSource(strings = {"smooth_53x80", "noise_40x31", "scene_96x128", "gray", "palette", "rgba", "gray16"})
    void pngOfEveryMode(String name) {
        assertPixels(decoded(name + ".png"), "png/" + name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"j420", "j422", "j444", "jgray", "jprogressive", "jcmyk", "exif1", "exif2", "exif3", "exif4",
        "exif5", "exif6", "exif7", "exif8"})
    void jpegOfEverySamplingAndOrientation(String name) {
        assertPixels(decoded(name + ".jpg"), "jpeg/" + name);
    }

    @Test
    void bgr() {
        assertPixels(decoded("scene_96x128.png").swapRedBlue(), "png/scene_96x128_BGR");
    }

    @Test
    void truncatedJpegIsRefusedAsPillowDoes() {
        assertThatThrownBy(() -> decoded("truncated.jpg")).isInstanceOf(BadInput.class)
                .hasMessageContaining("truncated.jpg").hasMessageContaining("truncated;");
    }

    @Test
    void everyResize() {
        JsonNode cases = golden.json().get("resize");
        assertThat(cases.size()).isEqualTo(27);
        for (JsonNode c : cases) {
            Image from = decoded(c.get("src").asText() + ".png");
            assertPixels(Resize.bilinear(from, c.get("new_w").asInt(), c.get("new_h").asInt()), c.get("tensor").asText());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"smooth_53x80", "noise_40x31", "scene_96x128"})
    void horizontalFlip(String name) {
        assertPixels(decoded(name + ".png").flipHorizontal(), "hflip/" + name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0 0 50 40", "17 9 111 87", "127 95 1 1"})
    void crop(String xywh) {
        String[] v = xywh.split(" ");
        Transform.Crop crop = new Transform.Crop(Integer.parseInt(v[0]), Integer.parseInt(v[1]), Integer.parseInt(v[2]),
                Integer.parseInt(v[3]));
        assertPixels(crop.apply(decoded("scene_96x128.png")), "crop/scene_x%s_y%s_w%s_h%s".formatted((Object[]) v));
    }

    @Test
    void boxesUnderFlipAndCrop() {
        double[] flipped = golden.array("hflip/boxes_in").values().clone();
        new Transform.HorizontalFlip(128).applyToBoxes(flipped);
        assertThat(flipped).isEqualTo(golden.array("hflip/boxes_out").values());

        double[] cropped = golden.array("hflip/boxes_in").values().clone();
        new Transform.Crop(17, 9, 111, 87).applyToBoxes(cropped);
        assertThat(cropped).isEqualTo(golden.array("crop/boxes_out_x17_y9").values());
    }

    @Test
    void shortestEdgeOfTwoHundredSizes() {
        double[] table = golden.array("shortest_edge/table").values();
        assertThat(table).hasSize(200 * 6);
        for (int row = 0; row < table.length; row += 6) {
            ImageSize from = new ImageSize((int) table[row + 1], (int) table[row]);
            ImageSize scaled = ResizeShortestEdge.scaled(from, (int) table[row + 2], (int) table[row + 3]);
            assertThat(scaled).as("%s, shorter side %s, at most %s", from, table[row + 2], table[row + 3])
                    .isEqualTo(atLeastOnePixel((int) table[row + 5], (int) table[row + 4]));
        }
    }

    /** For extreme shapes detectron2 computes a side of 0 and fails in Pillow; ours keeps one pixel. */
    private static ImageSize atLeastOnePixel(int width, int height) {
        return new ImageSize(Math.max(1, width), Math.max(1, height));
    }

    @Test
    void testMapper() {
        DatasetMapper mapper = DatasetMapper.forInference(Pictures.input(List.of(64), 120, false));
        Sample sample = mapper.map(scene(), 0);
        assertChannelsFirst(sample.image(), "mapper/test_image");
        assertThat(sample.original()).isEqualTo(new ImageSize(128, 96));
    }

    static Stream<JsonNode> trainingCases() {
        List<JsonNode> cases = new ArrayList<>();
        Golden.json("image").get("mapper").forEach(cases::add);
        assertThat(cases).hasSize(9);
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("trainingCases")
    void trainingMapperWithThePublishedDraws(JsonNode c) {
        List<Integer> lengths = new ArrayList<>();
        c.get("MIN_SIZE_TRAIN").forEach(n -> lengths.add(n.asInt()));
        List<Transform> drawn = new ArrayList<>();
        c.get("transforms_drawn").forEach(t -> drawn.add(transform(t)));
        DatasetMapper mapper = DatasetMapper.forTraining(
                Pictures.input(lengths, c.get("MAX_SIZE_TRAIN").asInt(), c.get("crop_enabled").asBoolean()), 0);

        Sample sample = mapper.map(scene(), drawn);

        String name = c.get("case").asText();
        assertChannelsFirst(sample.image(), name + ".image");
        assertThat(sample.boxesXyxyPx()).isEqualTo(golden.array(name + ".boxes").floats());
        double[] classes = golden.array(name + ".classes").values();
        assertThat(sample.classes()).hasSize(classes.length);
        for (int i = 0; i < classes.length; i++) {
            assertThat(sample.classes()[i]).isEqualTo((int) classes[i]);
        }
        assertThat(sample.transforms()).isEqualTo(drawn);
    }

    private static Transform transform(JsonNode t) {
        return switch (t.get("type").asText()) {
            case "NoOpTransform" -> new Transform.NoOp();
            case "HFlipTransform" -> new Transform.HorizontalFlip(t.get("width").asInt());
            case "ResizeTransform" -> new Transform.Scale(t.get("w").asInt(), t.get("h").asInt(), t.get("new_w").asInt(),
                    t.get("new_h").asInt());
            case "CropTransform" -> new Transform.Crop(t.get("x0").asInt(), t.get("y0").asInt(), t.get("w").asInt(),
                    t.get("h").asInt());
            default -> throw new AssertionError(t);
        };
    }

    /** The annotated picture of the mapper cases. */
    private static ImageRecord scene() {
        JsonNode annotations = golden.json().get("mapper_annotations_xywh");
        int m = annotations.size();
        double[] boxesXywhPx = new double[4 * m];
        int[] classes = new int[m];
        boolean[] crowd = new boolean[m];
        for (int i = 0; i < m; i++) {
            JsonNode a = annotations.get(i);
            for (int k = 0; k < 4; k++) {
                boxesXywhPx[4 * i + k] = a.get("bbox").get(k).asDouble();
            }
            classes[i] = a.get("category_id").asInt();
            crowd[i] = a.get("iscrowd").asInt() == 1;
        }
        return new ImageRecord(1, "scene_96x128.png", Pictures.resource("golden/image/scene_96x128.png"), 128, 96, boxesXywhPx,
                classes, crowd, new double[m], new long[m]);
    }

    private static Image decoded(String file) {
        return ImageDecoder.read(Pictures.resource("golden/image/" + file));
    }

    private static void assertPixels(Image image, String tensor) {
        Array expected = golden.array(tensor);
        assertThat(expected.shape()).as(tensor).containsExactly(image.height(), image.width(), 3);
        assertThat(image.pixels()).as(tensor).isEqualTo(bytes(expected.values()));
    }

    private static void assertChannelsFirst(Image image, String tensor) {
        Array expected = golden.array(tensor);
        assertThat(expected.shape()).as(tensor).containsExactly(3, image.height(), image.width());
        int plane = image.height() * image.width();
        double[] interleaved = new double[3 * plane];
        for (int i = 0; i < plane; i++) {
            for (int c = 0; c < 3; c++) {
                interleaved[3 * i + c] = expected.values()[c * plane + i];
            }
        }
        assertThat(image.pixels()).as(tensor).isEqualTo(bytes(interleaved));
    }

    private static byte[] bytes(double[] values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (int) values[i];
        }
        return bytes;
    }
}
