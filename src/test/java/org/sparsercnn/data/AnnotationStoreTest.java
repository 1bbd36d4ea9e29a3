package org.sparsercnn.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnnotationStoreTest {
    @TempDir
    Path folder;

    @Test
    void columnsHoldTheFileAsItStands() throws IOException {
        AnnotationStore store = read("""
                {"annotations": [
                   {"id": 31, "image_id": 9, "category_id": 7, "bbox": [-5.125, 2, 1e3, 0], "area": 11.5, "ignore": 1, "iscrowd": 0},
                   {"id": 30, "image_id": -4, "category_id": 2, "bbox": [0.1, 0.2, 0.3, 0.4], "iscrowd": 1},
                   {"id": 29, "image_id": 9, "category_id": 2, "bbox": [1, 2, 3, NaN], "area": null}],
                 "categories": [{"id": 7, "name": "dog"}, {"id": 2, "name": "cat"}],
                 "images": [{"id": 9, "file_name": "sub/größe 漢.jpg", "width": 640, "height": 480}, {"id": 5},
                   {"id": -4, "file_name": "a.jpg", "width": 3, "height": 4}]}""");
        assertThat(store.imageCount()).isEqualTo(3);
        assertThat(List.of(store.imageId(0), store.imageId(1), store.imageId(2))).containsExactly(-4L, 5L, 9L);
        assertThat(List.of(store.fileName(0), store.fileName(1), store.fileName(2))).containsExactly("a.jpg", "", "sub/größe 漢.jpg");
        assertThat(List.of(store.width(2), store.height(2), store.width(1), store.height(0))).containsExactly(640, 480, 0, 4);
        assertThat(List.of(store.imageIndex(-4), store.imageIndex(9), store.imageIndex(6), store.imageIndex(Long.MAX_VALUE)))
                .containsExactly(0, 2, -1, -1);
        assertThat(List.of(store.firstBox(0), store.firstBox(1), store.firstBox(2), store.firstBox(3))).containsExactly(0, 1, 1, 3);
        assertThat(List.of(store.annotationId(0), store.annotationId(1), store.annotationId(2))).containsExactly(30L, 31L, 29L);
        assertThat(List.of(store.classIndex(0), store.classIndex(1), store.classIndex(2))).containsExactly(0, 1, 0);
        assertThat(List.of(store.isCrowd(0), store.isCrowd(1), store.isIgnored(0), store.isIgnored(1)))
                .containsExactly(true, false, false, true);
        double[] boxes = new double[9];
        store.copyBoxXywhPx(1, boxes, 1);
        store.copyBoxXywhPx(2, boxes, 5);
        assertThat(boxes).containsExactly(0, -5.125, 2, 1e3, 0, 1, 2, 3, Double.NaN);
        assertThat(store.imagesInFileOrder()).containsExactly(2, 0, 1);
        assertThat(store.area(0)).isEqualTo(0.3 * 0.4);
        assertThat(store.area(1)).isEqualTo(11.5);
    }

    /** Rows outgrow their buffers several times; every one must survive that. */
    @Test
    void nothingIsLostWhileItGrows() throws IOException {
        int images = 3000;
        int boxes = 20_000;
        SplittableRandom random = new SplittableRandom(1);
        long[] imageOf = random.longs(boxes, 1, images + 1).toArray();
        StringBuilder json = new StringBuilder("{\"categories\": [{\"id\": 1, \"name\": \"x\"}], \"annotations\": [");
        for (int i = 0; i < boxes; i++) {
            json.append(i == 0 ? "" : ",").append("{\"id\": %d, \"image_id\": %d, \"category_id\": 1, \"bbox\": [%d, 1, 2, %d]}"
                    .formatted(i + 1, imageOf[i], i, imageOf[i]));
        }
        json.append("], \"images\": [");
        for (int i = images; i > 0; i--) {
            json.append(i == images ? "" : ",").append("{\"id\": %d, \"file_name\": \"%d.jpg\", \"width\": %d, \"height\": 1}".formatted(i, i, i));
        }
        AnnotationStore store = read(json + "]}");
        double[] box = new double[4];
        int seen = 0;
        for (int image = 0; image < images; image++) {
            assertThat(store.imageId(image)).isEqualTo(image + 1);
            assertThat(store.fileName(image)).isEqualTo((image + 1) + ".jpg");
            long before = -1;
            for (int i = store.firstBox(image); i < store.firstBox(image + 1); i++, seen++) {
                store.copyBoxXywhPx(i, box, 0);
                assertThat(box).containsExactly(store.annotationId(i) - 1, 1, 2, image + 1);
                assertThat(store.annotationId(i)).isGreaterThan(before); // the file's order
                before = store.annotationId(i);
            }
        }
        assertThat(seen).isEqualTo(store.boxCount()).isEqualTo(boxes);
        assertThat(store.memoryText()).startsWith("1.17 MB outside the heap: ").endsWith(" bytes an image, 53.0 bytes a box");
    }

    @Test
    void oneFileIsReadOnceForWhoeverAsks() throws IOException {
        Path json = Files.writeString(folder.resolve("mine.json"), """
                {"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 4}], "annotations": [],
                 "categories": [{"id": 0, "name": "thing"}]}""");
        DatasetCatalog catalog = new DatasetCatalog(folder, List.of(new DatasetCatalog.Entry("train", json, folder, Metric.COCO),
                new DatasetCatalog.Entry("val", folder.resolve("x/../mine.json"), folder, Metric.COCO)));
        Dataset train = catalog.load("train", true);
        AnnotationStore store = catalog.annotations("train");
        Files.delete(json); // a second reading would fail
        assertThat(catalog.annotations("val")).isSameAs(store);
        assertThat(train.categories()).isSameAs(store.categories());
    }

    private AnnotationStore read(String document) throws IOException {
        return AnnotationStore.read(Files.writeString(folder.resolve("gt.json"), document));
    }
}
