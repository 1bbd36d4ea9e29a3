package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparsercnn.util.BadInput;

class PreflightTest {
    @TempDir
    Path folder;

    private final List<String> images = new ArrayList<>();
    private final List<String> annotations = new ArrayList<>();

    private void image(int id, String name, int width, int height) {
        images.add("{'id': %d, 'file_name': '%s', 'width': %d, 'height': %d}".formatted(id, name, width, height));
    }

    private void box(int image, int category, String box) {
        annotations.add("{'id': %d, 'image_id': %d, 'category_id': %d, 'bbox': [%s]}".formatted(annotations.size() + 1, image, category, box));
    }

    private Preflight preflight(int classes) throws IOException {
        List<String> categories = new ArrayList<>();
        for (int k = 1; k <= classes; k++) {
            categories.add("{'id': %d, 'name': 'c%d'}".formatted(k, k));
        }
        String json = "{'images': %s, 'annotations': %s, 'categories': %s}".formatted(images, annotations, categories).replace('\'', '"');
        return Preflight.of(CocoReader.read("mine", Files.writeString(folder.resolve("a.json"), json), folder.resolve("pictures"), false), 3);
    }

    @Test
    void everythingIsCounted() throws IOException {
        image(1, "a.jpg", 640, 480);
        image(2, "b.jpg", 100, 50);
        image(4, "c.jpg", 300, 200);
        image(5, "d.jpg", 300, 200);
        box(1, 1, "0, 0, 31, 33");
        box(1, 1, "0, 0, 32, 32");
        box(1, 1, "0, 0, 96, 95");
        box(1, 3, "0, 0, 96, 96");
        box(5, 3, "1, 1, 0, 5");
        box(5, 3, "-9, 1, 20, 5");
        box(4, 1, "0, 0, 300, 200");
        annotations.set(6, annotations.get(6).replace("}", ", 'iscrowd': 1}"));
        Preflight preflight = preflight(3);
        assertThat(preflight.text()).isEqualTo("""
                Data set mine (%s)
                  images                   4  100x50 to 640x480 pixels, the median 300x200
                  without boxes            2  image ids 2, 4
                  boxes                    5  40 %% small, 40 %% medium, 20 %% large
                  crowd regions            1  not trained on
                  most in an image         4  image id 1; 1.3 on average
                  repaired boxes           2  see below
                  classes                  3
                    c1         3   c3         2   c2         0""".formatted(folder.resolve("a.json")));
        assertThat(preflight.warnings()).containsExactly(
                "mine: boxes repaired or dropped for training (evaluation takes the file as it stands):\n"
                        + "1 box with a width or height that is not positive; dropped (annotation ids 5)\n"
                        + "1 box reaching out of the image; clipped to it (annotation ids 6)",
                "mine: classes without a single box (1 of 3) cannot be learned, and their AP is n/a: c2",
                "mine: 1 images hold more objects than the 3 that MODEL.SparseRCNN.NUM_PROPOSALS lets be found in one: image ids 1; the fullest holds 4");
    }

    @Test
    void whatIsFineIsNotWarnedOf() throws IOException {
        image(1, "a.jpg", 64, 48);
        box(1, 1, "1, 1, 20, 20");
        Preflight preflight = preflight(1);
        assertThat(preflight.warnings()).isEmpty();
        assertThat(preflight.text()).contains("all 64x48").contains("repaired boxes           0\n");
    }

    @Test
    void ofManyClassesTheExtremesAreShown() throws IOException {
        image(1, "a.jpg", 640, 480);
        for (int k = 1; k <= 40; k++) {
            for (int i = 0; i < k; i++) {
                box(1, k, "1, 1, 20, 20");
            }
        }
        String text = preflight(40).text();
        assertThat(text).contains("c40        40   c39        39   c38        38").contains("… 10 classes of 10 to 19 boxes …").endsWith("c1          1");
        assertThat(text.lines()).hasSize(8 + 7 + 1 + 3);
    }

    @Test
    void formatsThatAreMistakenForCocosAreRecognised() throws IOException {
        image(1, "a.jpg", 640, 480);
        box(1, 1, "0.5, 0.5, 0.2, 0.1");
        box(1, 1, "0.1, 0.7, 0.3, 0.3");
        assertThat(preflight(1).warnings()).singleElement().asString().contains("between 0 and 1", "YOLO");
        annotations.clear();
        box(1, 1, "400, 300, 500, 400");
        box(1, 1, "300, 100, 400, 200");
        box(1, 1, "10, 10, 40, 40");
        assertThat(preflight(1).warnings()).hasSize(2).last().asString().contains("2 boxes reach out of their images", "[x1, y1, x2, y2]");
        annotations.clear();
        assertThat(preflight(1).warnings()).singleElement().asString().contains("no box at all");
    }

    @Test
    void filesThatRepeatAreNamed() throws IOException {
        image(1, "a.jpg", 640, 480);
        image(2, "a.jpg", 640, 480);
        box(1, 1, "10, 10, 40, 40");
        assertThat(preflight(1).warnings()).singleElement().asString().contains("1 file names occur more than once", ": a.jpg");
    }

    @Test
    void missingFilesAreRefusedWithWhatIsThere() throws IOException {
        for (int i = 1; i <= 15; i++) {
            image(i, (i % 2 == 0 ? "" : "sub/") + i + ".jpg", 64, 48);
        }
        Path pictures = folder.resolve("pictures");
        refuses("15 of 15 image files are missing: sub/1.jpg, 2.jpg", "10.jpg, …", pictures + "/sub does not exist", "a.json");
        Files.createDirectories(pictures.resolve("sub"));
        refuses("15 of 15 image files are missing", " is empty");
        for (int i = 1; i <= 13; i++) {
            Files.createFile(pictures.resolve((i % 2 == 0 ? "" : "sub/") + i + ".jpg"));
        }
        refuses("2 of 15 image files are missing: 14.jpg, sub/15.jpg; the first should be " + pictures + "/14.jpg, but " + pictures
                + " holds 7 entries, such as 10.jpg");
        Files.createFile(pictures.resolve("14.jpg"));
        Files.createSymbolicLink(pictures.resolve("sub/15.jpg"), pictures.resolve("14.jpg"));
        assertThatCode(() -> preflight(1).requireImageFiles()).doesNotThrowAnyException();
    }

    private void refuses(String... words) {
        assertThatThrownBy(() -> preflight(1).requireImageFiles()).isInstanceOf(BadInput.class).hasMessageContainingAll(words);
    }
}
