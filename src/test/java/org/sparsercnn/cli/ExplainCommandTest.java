package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.Json;

/** {@code explain} from pictures to pictures and numbers: 6 proposals, 2 stages. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExplainCommandTest {
    @TempDir
    static Path shared;

    private Workplace place;
    private Path out;

    @BeforeAll
    void train() {
        place = Workplace.in(shared);
        assertThat(place.run("train").code()).isZero();
        out = shared.resolve("explained");
        assertThat(explain(out, "--input", place.trainImage(1).toString(), place.trainImage(2).toString(), "--top", "3", "--confidence-threshold", "0"))
                .isEqualTo(new Workplace.Ended(0, ""));
    }

    private Workplace.Ended explain(Path to, String... arguments) {
        return place.run("explain", Stream.concat(Stream.of(arguments), Stream.of("--output", to.toString(), "--opts", "MODEL.WEIGHTS",
                place.output().resolve("model_final.safetensors").toString())).toArray(String[]::new));
    }

    private String name() {
        return place.trainImage(1).getFileName().toString().replaceFirst("\\..*", "");
    }

    @Test
    void pictures_are_named_as_arguments_or_after_input_and_one_is_needed() {
        assertThat(explain(shared.resolve("named"), place.trainImage(1).toString(), "--top", "3", "--confidence-threshold", "0")).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(shared.resolve("named").resolve(name() + ".json")).hasSameTextualContentAs(out.resolve(name() + ".json"));
        Workplace.Ended none = explain(shared.resolve("none"));
        assertThat(none.code()).isEqualTo(2);
        assertThat(none.err()).contains("nothing to explain: give pictures");
    }

    @Test
    void every_picture_is_written_and_can_be_read() throws IOException {
        for (String file : List.of(name() + ".stages.png", name() + ".scores.png", name() + ".attention.png", name() + ".arrows.png",
                "proposal-starts.png", "proposal-ends.png")) {
            assertThat(ImageIO.read(out.resolve(file).toFile())).as(file).isNotNull();
        }
        try (Stream<Path> files = Files.list(out)) {
            assertThat(files).hasSize(2 * 6 + 3);
        }
    }

    @Test
    void the_animation_rests_at_the_start_and_at_each_stage_and_runs_for_ever() throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
        try (ImageInputStream stream = ImageIO.createImageInputStream(out.resolve(name() + ".stages.gif").toFile())) {
            reader.setInput(stream);
            assertThat(reader.getNumImages(true)).isEqualTo(3 + 2 * 5);
            for (int i = 0; i < 13; i++) {
                var root = (IIOMetadataNode) reader.getImageMetadata(i).getAsTree("javax_imageio_gif_image_1.0");
                var control = (IIOMetadataNode) root.getElementsByTagName("GraphicControlExtension").item(0);
                assertThat(control.getAttribute("delayTime")).as("frame " + i).isEqualTo(i == 12 ? "200" : i % 6 == 0 ? "90" : "6");
            }
            var first = (IIOMetadataNode) reader.getImageMetadata(0).getAsTree("javax_imageio_gif_image_1.0");
            var loop = (IIOMetadataNode) first.getElementsByTagName("ApplicationExtension").item(0);
            assertThat(loop.getAttribute("applicationID")).isEqualTo("NETSCAPE");
            assertThat((byte[]) loop.getUserObject()).containsExactly(1, 0, 0);
        } finally {
            reader.dispose();
        }
    }

    @Test
    void the_numbers_are_those_of_demo() {
        JsonNode all = Json.read(out.resolve(name() + ".json"), JsonNode.class);
        assertThat(all.get("proposals")).hasSize(6);
        assertThat(all.get("followed")).hasSize(3);
        Path json = shared.resolve("demo.json");
        assertThat(place.run("demo", "--input", place.trainImage(1).toString(), "--json", json.toString(), "--confidence-threshold", "0", "--opts",
                "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString()).code()).isZero();
        JsonNode best = Json.read(json, JsonNode.class).get(0);
        JsonNode first = all.get("proposals").get(all.get("followed").get(0).asInt());
        assertThat(first.get("category_id").asInt()).isEqualTo(best.get("category_id").asInt());
        assertThat(first.get("scores").get(1).asDouble()).isCloseTo(best.get("score").asDouble(), within(1e-6));
        assertThat(first.get("boxes_xyxy")).hasSize(3);
        assertThat(Math.clamp(first.get("boxes_xyxy").get(2).get(0).asDouble(), 0, 64)).isCloseTo(best.get("bbox").get(0).asDouble(), within(1e-3));
        for (JsonNode proposal : all.get("proposals")) {
            double sum = 0;
            for (JsonNode weight : proposal.get("attention")) {
                sum += weight.asDouble();
            }
            assertThat(sum).isCloseTo(1, within(1e-5));
        }
        assertThat(Json.read(out.resolve("proposals.json"), JsonNode.class).get("images").asInt()).isEqualTo(2);
    }

    @Test
    void what_cannot_work_is_refused_and_a_broken_picture_does_not_stop_the_others(@TempDir Path folder) throws IOException {
        String good = place.trainImage(1).toString();
        assertThat(explain(folder, "--input", good, "--top", "0").err()).contains("--top 0: 1 to 24");
        assertThat(explain(folder, "--input", good, "--confidence-threshold", "2").err()).contains("--confidence-threshold 2.0: a number from 0 to 1");
        Path broken = Files.writeString(folder.resolve("broken.png"), "no picture");
        Workplace.Ended ended = explain(folder.resolve("to"), "--input", broken.toString(), good);
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).contains("1 of 2 pictures failed");
        assertThat(folder.resolve("to").resolve(name() + ".json")).exists();
    }
}
