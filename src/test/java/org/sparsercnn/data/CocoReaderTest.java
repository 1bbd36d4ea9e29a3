package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparsercnn.data.AnnotationAudit.Finding;
import org.sparsercnn.util.BadInput;

class CocoReaderTest {
    private static final String IMAGES = "[{'id': 9, 'file_name': 'b.jpg', 'width': 100, 'height': 50},"
            + " {'id': 2, 'file_name': 'sub/a.jpg', 'width': 640, 'height': 480.0}]";
    private static final String CATEGORIES = "[{'id': 7, 'name': 'dog'}, {'id': 3, 'name': 'cat', 'supercategory': 'animal'}]";

    @TempDir
    Path folder;

    @Test
    void imagesComeByIdAndInstancesInFileOrder() throws IOException {
        Dataset dataset = read(document(IMAGES, "["
                + "{'id': 5, 'image_id': 9, 'category_id': 7, 'bbox': [1, 2, 3.5, 4], 'area': 11.5, 'iscrowd': 0},"
                + "{'id': 4, 'image_id': 2, 'category_id': 3, 'bbox': [0, 0, 640, 480], 'iscrowd': 1, 'segmentation': {'counts': [1]}},"
                + "{'id': 1, 'image_id': 9, 'category_id': 3, 'bbox': [10, 10, 5, 5], 'segmentation': [[1, 2, 3, 4, 5, 6]]}]", CATEGORIES));
        assertThat(dataset.images()).extracting(ImageRecord::id).containsExactly(2L, 9L);
        assertThat(dataset.categories().names()).containsExactly("cat", "dog");
        ImageRecord first = dataset.images().getFirst();
        assertThat(first.file()).isEqualTo(folder.resolve("images/sub/a.jpg"));
        assertThat(first.height()).isEqualTo(480);
        assertThat(first.crowd()).containsExactly(true);
        assertThat(first.trainable()).isZero();
        assertThat(first.areas()).containsExactly(640 * 480); // none stated: the box's
        ImageRecord second = dataset.images().getLast();
        assertThat(second.annotationIds()).containsExactly(5, 1);
        assertThat(second.classes()).containsExactly(1, 0);
        assertThat(second.boxesXywhPx()).containsExactly(1, 2, 3.5, 4, 10, 10, 5, 5);
        assertThat(second.areas()).containsExactly(11.5, 25);
        assertThat(dataset.audit().clean()).isTrue();
    }

    @Test
    void badBoxesAreClippedOrDroppedAndCounted() throws IOException {
        String annotations = "[" + box(1, "-10, 5, 30, 10") + "," + box(2, "90, 40, 50, 50") + "," + box(3, "5, 5, 0, 3") + ","
                + box(4, "5, 5, 3, -1") + "," + box(5, "200, 5, 10, 10") + "," + box(6, "NaN, 5, 10, 10") + "," + box(7, "1, null, 10, 10")
                + "," + box(8, "0, 0, 100.25, 50") + "," + box(9, "3, 4, 1, 1") + "," + box(10, "0, Infinity, 1, 1") + "]";
        String document = document(IMAGES, annotations, CATEGORIES);
        Dataset dataset = read(document);
        ImageRecord image = dataset.images().getLast();
        assertThat(image.annotationIds()).containsExactly(1, 2, 8, 9);
        assertThat(image.boxesXywhPx()).containsExactly(0, 5, 20, 10, 90, 40, 10, 10, 0, 0, 100, 50, 3, 4, 1, 1);
        AnnotationAudit audit = dataset.audit();
        assertThat(audit.ids(Finding.OVERHANGING)).hasToString("1, 2"); // a quarter pixel is rounding
        assertThat(audit.ids(Finding.EMPTY)).hasToString("3, 4");
        assertThat(audit.ids(Finding.OUTSIDE)).hasToString("5");
        assertThat(audit.ids(Finding.NOT_FINITE)).hasToString("6, 7, 10");
        assertThat(audit.total()).isEqualTo(8);
        assertThat(audit.toString()).contains("2 boxes with a width or height that is not positive; dropped (annotation ids 3, 4)");
        assertThatThrownBy(() -> CocoReader.read("x", write(document), folder, true)).isInstanceOf(BadInput.class)
                .hasMessageContaining("--strict-data refuses 8 boxes").hasMessageContaining("annotation ids 6, 7, 10");
    }

    @Test
    void onlyTheFirstTenIdsAreShown() throws IOException {
        StringBuilder annotations = new StringBuilder("[" + box(1, "1, 1, 1, 1"));
        for (int id = 2; id <= 40; id++) {
            annotations.append(',').append(box(id, "1, 1, 0, 1"));
        }
        AnnotationAudit audit = read(document(IMAGES, annotations + "]", CATEGORIES)).audit();
        assertThat(audit.ids(Finding.EMPTY).count()).isEqualTo(39);
        assertThat(audit.ids(Finding.EMPTY)).hasToString("2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …");
        assertThat(audit.toString()).endsWith("10, 11, …)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            [{'image_id': 1}]                                              | a list, not COCO annotations
            {'images': [], 'annotations': [], 'categories': []}           | zero images
            {'images': [{'id': 1}], 'annotations': [], 'categories': []}  | zero categories
            {'images': [], 'categories': []}                              | no key annotations
            {'hello': 'world'}                                            | no key images, annotations, categories
            {'images': {}, 'annotations': [], 'categories': []}           | at /images: an array
            {'images': [{'file_name': 'a'}]}                              | this image has no "id"
            {'images': [{'id': 'one'}]}                                   | at /images/0/id: an integer was expected, found "one"
            {'images': [{'id': 1}, {'id'                                  | broken or truncated JSON at line 1
            nonsense                                                      | broken or truncated JSON at line 1
            ``                                                            | the file is empty
            """)
    void whatIsNotCocoIsRefusedWithTheReason(String document, String reason) {
        assertThatThrownBy(() -> read(document)).isInstanceOf(BadInput.class).hasMessageContaining("gt.json").hasMessageContaining(reason);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            'id': 1, 'image_id': 2, 'category_id': 99, 'bbox': [1,1,1,1]  | unknown category id 99 in 1 annotations (ids 1)
            'id': 1, 'image_id': 77, 'category_id': 3, 'bbox': [1,1,1,1]  | unknown image id 77 in 1 annotations (ids 1)
            'id': 1, 'image_id': 2, 'category_id': 3                      | this annotation (id 1) has no "bbox"
            'id': 1, 'image_id': 2, 'bbox': [1,1,1,1]                     | this annotation (id 1) has no "category_id"
            'image_id': 2, 'category_id': 3, 'bbox': [1,1,1,1]            | this annotation has no "id"
            'id': 1, 'image_id': 2, 'category_id': 3, 'bbox': [1,1,1]     | at /annotations/0/bbox: 4 numbers were expected, found 3
            'id': 1, 'image_id': 2, 'category_id': 3, 'bbox': []          | 4 numbers were expected, found 0
            'id': 1, 'image_id': 2, 'category_id': 3, 'bbox': '1 2 3 4'   | 4 numbers were expected, found "1 2 3 4"
            """)
    void annotationsThatFitNothingAreRefusedWithTheirIds(String annotation, String reason) {
        assertThatThrownBy(() -> read(document(IMAGES, "[{" + annotation + "}]", CATEGORIES))).isInstanceOf(BadInput.class)
                .hasMessageContaining(reason);
    }

    @Test
    void repeatedIdsAreRefused() {
        String twice = "[" + box(6, "1, 1, 1, 1") + "," + box(6, "2, 2, 2, 2") + "]";
        assertThatThrownBy(() -> read(document(IMAGES, twice, CATEGORIES))).isInstanceOf(BadInput.class)
                .hasMessageContaining("annotation ids must be unique, but 1 occur more than once: 6");
        assertThatThrownBy(() -> read(document("[{'id': 1}, {'id': 1}]", "[]", CATEGORIES))).isInstanceOf(BadInput.class)
                .hasMessageContaining("image ids must be unique");
        assertThatThrownBy(() -> read(document(IMAGES, "[]", "[{'id': 1, 'name': 'a'}, {'id': 1, 'name': 'b'}]")))
                .isInstanceOf(BadInput.class).hasMessageContaining("category ids must be unique");
    }

    @Test
    void anImageNeedsItsNameAndSize() {
        assertThatThrownBy(() -> read(document("[{'id': 4, 'file_name': 'a.jpg', 'width': 3}]", "[]", CATEGORIES)))
                .isInstanceOf(BadInput.class).hasMessageContaining("image id 4 has no usable \"height\"");
        assertThatThrownBy(() -> read(document("[{'id': 4, 'height': 3, 'width': 3}]", "[]", CATEGORIES))).isInstanceOf(BadInput.class)
                .hasMessageContaining("image id 4 has no usable \"file_name\"");
    }

    @Test
    void sectionsMayStandInAnyOrder() throws IOException {
        Dataset dataset = read("{'annotations': [" + box(1, "1, 1, 1, 1") + "], 'info': {'x': [1, {}]}, 'categories': " + CATEGORIES
                + ", 'images': " + IMAGES + "}");
        assertThat(dataset.images().getLast().classes()).containsExactly(0);
    }

    @Test
    void annotationsFlaggedIgnoreAreNotTrainedOn() throws IOException {
        Dataset dataset = read(document(IMAGES, "[" + box(1, "1, 1, 1, 1").replace("}", ", 'ignore': 1}") + "]", CATEGORIES));
        assertThat(dataset.images().getLast().crowd()).containsExactly(true);
    }

    @Test
    void cocosListsOfTestImagesNeedNoAnnotations() throws IOException {
        Path list = folder.resolve("image_info_test2017.json");
        Files.writeString(list, ("{'images': " + IMAGES + ", 'categories': " + CATEGORIES + "}").replace('\'', '"'));
        assertThat(CocoReader.read("coco_2017_test", list, folder, false).size()).isEqualTo(2);
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatThrownBy(() -> CocoReader.read("x", folder.resolve("none.json"), folder, false)).isInstanceOf(BadInput.class)
                .hasMessageContaining("none.json: cannot be read: no such file");
    }

    @Test
    void trainingLeavesOutImagesWithoutBoxesOrWithCrowdsOnly() throws IOException {
        String images = "[{'id': 1, 'file_name': 'a', 'width': 9, 'height': 9}, {'id': 2, 'file_name': 'b', 'width': 9, 'height': 9},"
                + " {'id': 9, 'file_name': 'c', 'width': 9, 'height': 9}]";
        Dataset dataset = read(document(images, "[" + box(1, "1, 1, 1, 1") + ","
                + box(2, "1, 1, 1, 1").replace("'image_id': 9", "'image_id': 2, 'iscrowd': 1") + "]", CATEGORIES));
        assertThat(dataset.withoutEmptyImages().images()).extracting(ImageRecord::id).containsExactly(9L);
        Dataset empty = read(document(images, "[]", CATEGORIES));
        assertThatThrownBy(empty::withoutEmptyImages).isInstanceOf(BadInput.class).hasMessageContaining("none of its 3 images has a box");
    }

    private static String box(int id, String numbers) {
        return "{'id': %d, 'image_id': 9, 'category_id': 3, 'bbox': [%s]}".formatted(id, numbers);
    }

    private static String document(String images, String annotations, String categories) {
        return "{'images': %s, 'annotations': %s, 'categories': %s}".formatted(images, annotations, categories);
    }

    private Dataset read(String document) throws IOException {
        return CocoReader.read("sample", write(document), folder.resolve("images"), false);
    }

    private Path write(String document) throws IOException {
        return Files.writeString(folder.resolve("gt.json"), document.replace('\'', '"'));
    }
}
