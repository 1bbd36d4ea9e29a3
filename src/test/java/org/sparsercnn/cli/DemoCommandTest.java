package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.data.Image;
import org.sparsercnn.data.ImageDecoder;
import org.sparsercnn.data.sampleset.SampleSet;
import org.sparsercnn.util.Json;
import org.sparsercnn.viz.Pictures;

/** {@code demo} from pictures to pictures and numbers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DemoCommandTest {
    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    private Workplace place;
    private Path photos;
    private Path out;
    private Path json;

    @BeforeAll
    void train() {
        place = Workplace.in(shared);
        assertThat(place.run("train").code()).isZero();
    }

    @BeforeEach
    void setUp() throws IOException {
        photos = Files.createDirectories(folder.resolve("photos"));
        out = folder.resolve("out");
        json = folder.resolve("out.json");
        for (int i = 1; i <= 3; i++) {
            Files.copy(place.trainImage(i), photos.resolve(i + ".png"));
        }
    }

    /** All detections are kept: the model is hardly trained. */
    private Workplace.Ended demo(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--confidence-threshold", "0", "--opts", "MODEL.WEIGHTS", place.output().resolve("model_final.safetensors").toString()));
        return place.run("demo", all.toArray(String[]::new));
    }

    private static void done(Workplace.Ended ended) {
        assertThat(ended).isEqualTo(new Workplace.Ended(0, ""));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    private List<JsonNode> rows() {
        return StreamSupport.stream(Json.read(json, JsonNode.class).spliterator(), false).toList();
    }

    @Test
    void a_file_into_a_new_folder_or_under_a_name() throws IOException {
        done(demo("--input", photos.resolve("1.png").toString(), "--output", out.toString()));
        assertThat(names(out)).containsExactly("1.png");
        done(demo("--input", photos.resolve("1.png").toString(), "--output", out.resolve("deep/er.jpg").toString()));
        Image drawn = ImageDecoder.read(out.resolve("deep/er.jpg"));
        Image picture = ImageDecoder.read(photos.resolve("1.png"));
        assertThat(drawn.width() % picture.width()).as("magnified by a whole factor").isZero();
    }

    @Test
    void files_folders_and_globs() throws IOException {
        Path deep = Files.createDirectories(photos.resolve("deep"));
        Files.copy(photos.resolve("1.png"), deep.resolve("4.PNG"));
        Files.writeString(photos.resolve("notes.txt"), "no picture");
        String one = photos.resolve("1.png").toString();

        done(demo("--input", one, photos.resolve("3.png").toString(), "--json", json.toString()));
        assertThat(rows().stream().map(r -> r.get("file_name").asText()).distinct()).containsExactly(one, photos.resolve("3.png").toString());
        done(demo("--input", photos.toString(), "--output", out.resolve("folder").toString()));
        assertThat(names(out.resolve("folder"))).containsExactly("1.png", "2.png", "3.png");
        done(demo("--input", photos + "/[12].png", "--output", out.resolve("glob").toString()));
        assertThat(names(out.resolve("glob"))).containsExactly("1.png", "2.png");
        done(demo("--input", folder + "/*/d*/*.PNG", one, one, "--output", out.resolve("deep").toString()));
        assertThat(names(out.resolve("deep"))).containsExactly("1.png", "4.PNG");
    }

    @Test
    void pictures_of_one_name_do_not_overwrite_each_other() throws IOException {
        Path other = Files.createDirectories(folder.resolve("other"));
        Files.copy(place.trainImage(5), other.resolve("1.png"));
        Files.copy(place.trainImage(6), other.resolve("1-2.png"));
        Files.write(other.resolve("1.bmp"), bmp());
        done(demo("--input", photos.resolve("1.png").toString(), other.toString(), "--output", out.toString()));
        assertThat(names(out)).containsExactly("1-2.png", "1-3.png", "1.bmp.png", "1.png");
    }

    private static byte[] bmp() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB), "bmp", bytes);
        return bytes.toByteArray();
    }

    @Test
    void an_input_is_never_overwritten() throws IOException {
        byte[] before = Files.readAllBytes(photos.resolve("1.png"));
        for (String output : List.of(photos.toString(), photos.resolve("1.png").toString())) {
            Workplace.Ended ended = demo("--input", photos.resolve("1.png").toString(), "--output", output);
            assertThat(ended.code()).isEqualTo(2);
            assertThat(ended.err()).contains("1.png is an input, it would be lost; name another folder");
        }
        assertThat(Files.readAllBytes(photos.resolve("1.png"))).isEqualTo(before);
    }

    @Test
    void a_picture_that_cannot_be_read_stops_no_other() throws IOException {
        Files.writeString(photos.resolve("2.png"), "broken");
        Workplace.Ended ended = demo("--input", photos.toString(), "--output", out.toString(), "--json", json.toString());
        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.err()).isEqualTo("error: 1 of 3 pictures failed, see above; the others are done\n");
        assertThat(names(out)).containsExactly("1.png", "3.png");
        assertThat(rows().stream().map(r -> r.get("file_name").asText()).distinct()).hasSize(2);
    }

    @Test
    void wrong_inputs_and_outputs() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "mine");
        String one = photos.resolve("1.png").toString();
        String two = photos.resolve("2.png").toString();
        String to = out.toString();
        refused(demo("--input", "nothing.jpg", "--output", to), "nothing.jpg: no such file or folder");
        refused(demo("--input", "NOTHING.JPG", "--output", to), "NOTHING.JPG: no such file or folder");
        refused(demo("--input", "MODEL.WEIGHTS", "--output", to), "MODEL.WEIGHTS: there is no such picture; config overrides go behind --opts");
        refused(demo("--input", folder + "/*.gif", "--output", to), "*.gif: no pictures there");
        refused(demo("--input", folder + "/none/*.gif", "--output", to), "there is no folder " + folder + "/none");
        refused(demo("--input", one), "nothing to write: give --output FOLDER");
        refused(demo("--input", one, two, "--output", folder.resolve("a.jpg").toString()), "a.jpg: one file for 2 pictures; name a folder");
        refused(demo("--input", one, "--output", file.toString()), "it is a file");
        refused(demo("--input", one, "--output", to, "--json", file + "/out.json"), "out.json: cannot be written");
        refused(place.run("demo", "--input", one, "--output", to, "--confidence-threshold", "50"), "--confidence-threshold 50.0: a number from 0 to 1");
        refused(place.run("demo", "--input", one, "--output", to, "--opts", "MODEL.WEIGHTS"), "come in pairs");
        refused(place.run("demo", "--input", one, "--output", to), "MODEL.WEIGHTS is empty");
        assertThat(file).hasContent("mine");
    }

    private static void refused(Workplace.Ended ended, String message) {
        assertThat(ended.err()).startsWith("error: ").contains(message).doesNotContain("\tat ");
        assertThat(ended.code()).isEqualTo(2);
    }

    @Test
    void the_json_holds_what_was_found_with_the_ids_of_the_checkpoint() {
        done(demo("--input", photos.toString(), "--json", json.toString()));
        List<JsonNode> rows = rows();
        assertThat(rows).isNotEmpty();
        for (JsonNode row : rows) {
            assertThat(row.fieldNames()).toIterable().containsExactly("file_name", "category_id", "category_name", "bbox", "score");
            assertThat(row.get("category_name").asText()).isEqualTo(List.of("circle", "square", "triangle", "star", "cross").get(row.get("category_id").asInt() - 1));
            assertThat(row.get("score").asDouble()).isBetween(0.0, 1.0);
            double[] b = Json.MAPPER.convertValue(row.get("bbox"), double[].class);
            assertThat(b[0]).isBetween(0.0, 64.0);
            assertThat(b[0] + b[2]).isBetween(b[0], 64.001);
            assertThat(b[1] + b[3]).isBetween(b[1], 64.001);
        }
    }

    @Test
    void ids_come_from_the_config_where_the_checkpoint_has_none_else_they_count_from_1() {
        Path plain = folder.resolve("plain.pth"); // has room for weights alone
        assertThat(place.call("convert", place.output().resolve("model_final.safetensors").toString(), plain.toString()).code()).isZero();
        String[] all = {"--input", photos.resolve("1.png").toString(), "--json", json.toString(), "--confidence-threshold", "0", "--opts", "MODEL.WEIGHTS", plain.toString()};
        done(place.run("demo", all));
        assertThat(rows().getFirst().get("category_name").asText()).isIn("circle", "square", "triangle", "star", "cross");
        done(place.run("demo", Stream.concat(Stream.of(all), Stream.of("DATASETS.TEST", "()", "DATASETS.TRAIN", "()")).toArray(String[]::new)));
        JsonNode row = rows().getFirst();
        assertThat(row.get("category_name").asText()).isEqualTo("class " + row.get("category_id").asInt());
        assertThat(row.get("category_id").asInt()).isBetween(1, 5);
    }

    @Test
    void frames_of_a_folder_come_in_the_order_of_their_numbers() throws IOException {
        Path frames = Files.createDirectories(folder.resolve("frames"));
        for (String name : List.of("f10.png", "f9.png", "f1.png")) {
            Files.copy(place.trainImage(1), frames.resolve(name));
        }
        done(demo("--input", frames.toString(), "--json", json.toString()));
        assertThat(rows().stream().map(r -> Path.of(r.get("file_name").asText()).getFileName().toString()).distinct())
                .containsExactly("f1.png", "f9.png", "f10.png");
    }

    @Test
    void every_detection_is_cut_out() throws IOException {
        Path crops = folder.resolve("crops");
        done(demo("--input", photos.resolve("1.png").toString(), "--crop", crops.toString(), "--json", json.toString()));
        List<JsonNode> rows = rows();
        assertThat(names(crops)).hasSize(rows.size());
        Image whole = ImageDecoder.read(photos.resolve("1.png"));
        for (int i = 0; i < rows.size(); i++) {
            Image part = ImageDecoder.read(crops.resolve("1-" + (i + 1) + ".png"));
            int left = (int) Math.floor(rows.get(i).get("bbox").get(0).asDouble());
            int top = (int) Math.floor(rows.get(i).get("bbox").get(1).asDouble());
            assertThat((double) part.width()).isCloseTo(rows.get(i).get("bbox").get(2).asDouble(), within(2.0));
            assertThat(part.pixels()).isEqualTo(whole.crop(left, top, part.width(), part.height()).pixels());
        }
    }

    @Test
    void the_ground_truth_stands_at_the_left_of_the_detections() throws IOException {
        Path gt = new SampleSet(place.data()).trainJson();
        String photo = place.trainImage(1).toString();
        done(demo("--input", photo, "--output", out.toString()));
        BufferedImage alone = ImageIO.read(out.resolve(names(out).getFirst()).toFile());
        done(demo("--input", photo, "--output", out.toString(), "--side-by-side", "--gt", gt.toString()));
        BufferedImage both = ImageIO.read(out.resolve(names(out).getFirst()).toFile());
        int gap = alone.getWidth() / 24;
        assertThat(both.getWidth()).isEqualTo(3 * gap + 2 * alone.getWidth());
        int different = 0;
        for (int y = 0; y < alone.getHeight(); y++) {
            for (int x = 0; x < alone.getWidth(); x++) {
                assertThat(both.getRGB(2 * gap + alone.getWidth() + x, gap + y)).isEqualTo(alone.getRGB(x, y));
                different += both.getRGB(gap + x, gap + y) != alone.getRGB(x, y) ? 1 : 0;
            }
        }
        assertThat(different).isPositive();
        refused(demo("--input", photo, "--output", out.toString(), "--side-by-side"), "--side-by-side and --gt FILE go together");
        refused(demo("--input", photo, "--json", json.toString(), "--side-by-side", "--gt", gt.toString()), "give --output FOLDER");
        refused(demo("--input", photos.toString(), "--output", out.toString(), "--side-by-side", "--gt", gt.toString()), "3 of 3 pictures failed");
    }

    /** A photo stored on its side: boxes are those of the upright picture. */
    @Test
    void exif_orientation_is_applied() throws IOException {
        Image upright = new Image(64, 48, ImageDecoder.read(place.trainImage(1)).crop(0, 0, 64, 48).pixels());
        Pictures.write(Pictures.fromRgb(upright.pixels(), 64, 48), photos.resolve("up.png"));
        Image side = upright.transpose().flipVertical(); // turned left: to be turned right, orientation 6, to stand
        Path stored = photos.resolve("side.png");
        Pictures.write(Pictures.fromRgb(side.pixels(), 48, 64), stored);
        Files.write(stored, withOrientation(Files.readAllBytes(stored), 6));
        done(demo("--input", photos.resolve("up.png").toString(), stored.toString(), "--json", json.toString(), "--output", out.toString()));
        List<JsonNode> rows = rows();
        int half = rows.size() / 2;
        for (int i = 0; i < half; i++) {
            for (int c = 0; c < 4; c++) {
                assertThat(rows.get(half + i).get("bbox").get(c).asDouble()).isCloseTo(rows.get(i).get("bbox").get(c).asDouble(), within(0.0));
            }
        }
        Image drawn = ImageDecoder.read(out.resolve("side.png"));
        assertThat(drawn.width() * 48).isEqualTo(drawn.height() * 64);
    }

    /** Puts an eXIf chunk behind a PNG's header. */
    private static byte[] withOrientation(byte[] png, int orientation) throws IOException {
        byte[] tiff = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte) orientation, 0, 0, 0, 0, 0, 0};
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(png, 0, 33); // signature and IHDR
        var chunk = new java.io.DataOutputStream(out);
        chunk.writeInt(tiff.length);
        byte[] typed = new byte[4 + tiff.length];
        System.arraycopy("eXIf".getBytes(java.nio.charset.StandardCharsets.US_ASCII), 0, typed, 0, 4);
        System.arraycopy(tiff, 0, typed, 4, tiff.length);
        chunk.write(typed);
        var crc = new java.util.zip.CRC32();
        crc.update(typed);
        chunk.writeInt((int) crc.getValue());
        out.write(png, 33, png.length - 33);
        return out.toByteArray();
    }
}
