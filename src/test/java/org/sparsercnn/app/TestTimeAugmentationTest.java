package org.sparsercnn.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sparsercnn.app.TestTimeAugmentation.View;
import org.sparsercnn.config.Config;
import org.sparsercnn.config.TestConfig;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageSize;
import org.sparsercnn.model.DetectionPairs;
import org.sparsercnn.model.Detections;
import org.sparsercnn.testing.Golden;
import org.sparsercnn.util.BadInput;

/** The published augmentations, scale filter and merging, beside recorded ones. */
class TestTimeAugmentationTest {
    private static final Golden GOLDEN = Golden.load("tta");

    private static Config config(String... overrides) {
        List<String> all = new ArrayList<>(List.of("TEST.AUG.ENABLED", "True"));
        all.addAll(List.of(overrides));
        return Config.load(Path.of("configs/sparsercnn.res50.300pro.3x.yaml"), all);
    }

    private static Stream<DynamicTest> each(String key, int count, java.util.function.Consumer<JsonNode> check) {
        JsonNode cases = GOLDEN.json().get(key);
        assertThat(cases).hasSize(count);
        return StreamSupport.stream(cases.spliterator(), false).map(c -> DynamicTest.dynamicTest(c.get("name").asText(), () -> check.accept(c)));
    }

    private static ImageSize size(JsonNode hw) {
        return new ImageSize(hw.get(1).asInt(), hw.get(0).asInt());
    }

    private static String python(JsonNode value) {
        return value.isBoolean() ? value.asBoolean() ? "True" : "False" : value.toString();
    }

    @TestFactory
    Stream<DynamicTest> recorded_lists_of_augmentations() {
        return each("augmentation_lists", 11, c -> {
            int sizes = c.get("min_sizes").size();
            List<JsonNode> ranges = new ArrayList<>();
            GOLDEN.json().at("/full/0/config/SCALE_RANGES").forEach(ranges::add);
            var augmentation = TestTimeAugmentation.of(config("TEST.AUG.MIN_SIZES", c.get("min_sizes").toString(), "TEST.AUG.MAX_SIZE",
                    c.get("max_size").asText(), "TEST.AUG.FLIP", python(c.get("flip")), "TEST.AUG.SCALE_RANGES", ranges.subList(0, sizes).toString()));
            List<View> views = augmentation.views(size(c.get("original_hw")), size(c.get("input_hw")));
            assertThat(views).hasSize(c.get("augmentations").size());
            for (int i = 0; i < views.size(); i++) {
                View view = views.get(i);
                JsonNode wanted = c.get("augmentations").get(i);
                assertThat(view.size()).isEqualTo(size(wanted.get("hw")));
                JsonNode range = wanted.get("scale_range");
                assertThat(view.range()).contains(new TestConfig.ScaleRange(range.get(0).asDouble(), range.get(1).asDouble()));
                checkTransforms(view, wanted.get("transforms"));
            }
        });
    }

    /** The original is scaled to the input, that to the view, and that is mirrored; published, {@code noop} where nothing changes. */
    private static void checkTransforms(View view, JsonNode transforms) {
        checkResize(transforms.get(0), view.original(), view.input());
        checkResize(transforms.get(1), view.input(), view.size());
        assertThat(view.mirrored()).isEqualTo(transforms.size() == 3);
        if (view.mirrored()) {
            assertThat(transforms.get(2).at("/hflip/width").asInt()).isEqualTo(view.size().width());
        }
    }

    private static void checkResize(JsonNode transform, ImageSize from, ImageSize to) {
        if (transform.has("noop")) {
            assertThat(to).isEqualTo(from);
        } else {
            JsonNode r = transform.get("resize");
            assertThat(List.of(from.height(), from.width(), to.height(), to.width()))
                    .containsExactly(r.get("h").asInt(), r.get("w").asInt(), r.get("new_h").asInt(), r.get("new_w").asInt());
        }
    }

    @Test
    void the_scale_filter_keeps_what_the_published_one_keeps() {
        float[] boxes = GOLDEN.array("filter/boxes").floats();
        int n = boxes.length / 4;
        Detections all = new Detections(boxes, new float[n], IntStream.range(0, n).toArray()); // classes: who is left
        for (JsonNode range : GOLDEN.json().at("/filter/ranges")) {
            int[] keep = DetectionPairs.ints(GOLDEN.array("filter/keep_" + range.get(0).asInt() + "_" + range.get(1).asInt()));
            var augmentation = TestTimeAugmentation.of(config("TEST.AUG.MIN_SIZES", "(0,)", "TEST.AUG.FLIP", "False", "TEST.AUG.SCALE_RANGES", "[" + range + "]"));
            View view = augmentation.views(new ImageSize(700, 500), new ImageSize(700, 500)).getFirst();
            assertThat(view.toOriginal(all).classes()).isEqualTo(IntStream.range(0, n).filter(i -> keep[i] == 1).toArray());
        }
    }

    /** From what the model returns for each augmented image to the final detections. */
    @TestFactory
    Stream<DynamicTest> recorded_whole_paths() {
        return each("full", 14, TestTimeAugmentationTest::check);
    }

    private static void check(JsonNode c) {
        JsonNode settings = c.get("config");
        String name = c.get("name").asText();
        List<String> overrides = new ArrayList<>(List.of("MODEL.SparseRCNN.NUM_PROPOSALS", settings.get("NUM_PROPOSALS").asText(),
                "MODEL.ROI_HEADS.NMS_THRESH_TEST", settings.get("NMS_THRESH_TEST").asText(),
                "TEST.DETECTIONS_PER_IMAGE", settings.get("DETECTIONS_PER_IMAGE").asText()));
        for (String key : List.of("MIN_SIZES", "MAX_SIZE", "FLIP", "CVPODS_TTA", "SCALE_FILTER", "SCALE_RANGES")) {
            overrides.addAll(List.of("TEST.AUG." + key, python(settings.get(key))));
        }
        String[] all = overrides.toArray(String[]::new);
        if (c.path("error").asText().equals("AssertionError")) {
            assertThatThrownBy(() -> config(all)).isInstanceOf(BadInput.class).hasMessageContaining("TEST.AUG.SCALE_RANGES")
                    .hasMessageContaining("each of the 2 TEST.AUG.MIN_SIZES, not 13");
            return;
        }
        if (!settings.get("CVPODS_TTA").asBoolean() && settings.get("batch_size").asInt() > 1) {
            // The published code runs the last augmentation only and maps it back by the first one's inverse. Nothing of that is wanted.
            assertThat(c.get("model_calls_augmentation_ids")).hasSize(1);
            return;
        }
        var augmentation = TestTimeAugmentation.of(config(all));
        ImageSize original = size(c.get("original_hw"));
        List<View> views = augmentation.views(original, size(c.get("input_hw")));
        assertThat(views).hasSize(c.get("transforms").size());
        Detections returned = DetectionPairs.recorded(GOLDEN, "full_" + name + "/");
        int[] of = DetectionPairs.ints(GOLDEN.array("full_" + name + "/augmentation"));
        List<Detections> found = new ArrayList<>();
        for (int i = 0; i < views.size(); i++) {
            int view = i;
            checkTransforms(views.get(i), c.get("transforms").get(i));
            found.add(views.get(i).toOriginal(returned.keep(IntStream.range(0, of.length).filter(k -> of[k] == view).toArray())));
        }
        Detections merged = augmentation.merge(found, original);
        if (c.has("error")) { // published: the maximum of nothing
            assertThat(name).isEqualTo("everything_filtered");
            assertThat(merged.count()).isZero();
            return;
        }
        boolean voting = augmentation.settings().cvpodsTta();
        Detections union = voting ? Detections.concat(found) // with NMS it was recorded after clipping
                : Detections.concat(found).clipped(original.width(), original.height());
        Detections wanted = DetectionPairs.recorded(GOLDEN, "full_" + name + "/union_");
        assertThat(union.boxesXyxyPx()).isEqualTo(wanted.boxesXyxyPx()); // to the last bit
        assertThat(union.scores()).isEqualTo(wanted.scores());
        assertThat(union.classes()).isEqualTo(wanted.classes());
        double pixels = voting ? 3 * DetectionPairs.ulpAtOffset(union) : 1e-12;
        DetectionPairs.assertSame(merged, DetectionPairs.recorded(GOLDEN, "full_" + name + "/out_"), pixels, 1e-12);
    }

    @Test
    void a_mirrored_view_shows_the_mirror_image_and_its_boxes_come_back_to_where_they_are() {
        var augmentation = TestTimeAugmentation.of(config("TEST.AUG.MIN_SIZES", "(4,)", "TEST.AUG.SCALE_FILTER", "False"));
        byte[] pixels = new byte[2 * 3 * 3];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (byte) (10 * i);
        }
        Image image = new Image(3, 2, pixels);
        List<View> views = augmentation.views(new ImageSize(6, 4), new ImageSize(3, 2));
        Image plain = views.get(0).picture(image, image);
        assertThat(List.of(plain.width(), plain.height())).containsExactly(6, 4);
        Image mirrored = views.get(1).picture(image, plain);
        assertThat(mirrored.at(0, 1, 2)).isEqualTo(plain.at(5, 1, 2));
        Detections there = new Detections(new float[] {1, 0, 3, 2}, new float[] {0.5f}, new int[] {0});
        assertThat(views.get(0).toOriginal(there).boxesXyxyPx()).containsExactly(1, 0, 3, 2);
        assertThat(views.get(1).toOriginal(there).boxesXyxyPx()).containsExactly(3, 0, 5, 2);
    }

    @Test
    void what_makes_no_sense_is_refused_only_where_it_counts() {
        assertThatThrownBy(() -> config("TEST.AUG.MIN_SIZES", "()", "TEST.AUG.SCALE_FILTER", "False")).isInstanceOf(BadInput.class)
                .hasMessageContaining("TEST.AUG.MIN_SIZES is ()");
        assertThatThrownBy(() -> config("TEST.AUG.SCALE_RANGES", "[[1, 2, 3]]")).isInstanceOf(BadInput.class).hasMessageContaining("[min, max]");
        config("TEST.AUG.MIN_SIZES", "(400, 800)", "TEST.AUG.SCALE_FILTER", "False");
        config("TEST.AUG.MIN_SIZES", "(400, 800)", "TEST.AUG.ENABLED", "False");
    }

    @Test
    void the_log_tells_how_often_the_network_runs_and_how_boxes_are_merged() {
        assertThat(TestTimeAugmentation.of(config()).describe()).isEqualTo("26 passes an image, 13 sizes, each mirrored too; soft voting, a range of areas for each size");
        assertThat(TestTimeAugmentation.of(config("TEST.AUG.FLIP", "False", "TEST.AUG.CVPODS_TTA", "False", "TEST.AUG.MIN_SIZES", "(800,)", "TEST.AUG.SCALE_FILTER", "False"))
                .describe()).isEqualTo("1 pass an image, 1 size; NMS at IoU 0.5");
    }
}
