package org.sparsercnn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.sparsercnn.viz.Pictures;

/** {@code eval --self-check}: what a user is told about an annotation file. */
class SelfCheckTest {
    @TempDir
    Path folder;

    private Workplace place;
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();

    @BeforeEach
    void setUp() {
        place = new Workplace(folder);
        for (String name : new String[] {"a.png", "b.png"}) {
            Pictures.write(new BufferedImage(200, 200, BufferedImage.TYPE_INT_RGB), folder.resolve(name));
        }
    }

    /** What went to the log, and forgets it. */
    private String logged() {
        String text = appender.list.stream().map(e -> e.getLevel() + " " + e.getFormattedMessage()).collect(Collectors.joining("\n"));
        appender.list.clear();
        return text;
    }

    private static String box(int id, int image, String xywh, String more) {
        return "{\"id\": %d, \"image_id\": %d, \"category_id\": 1, \"bbox\": [%s]%s}".formatted(id, image, xywh, more);
    }

    private Workplace.Ended check(String metric, String... annotations) throws IOException {
        Path json = Files.writeString(folder.resolve("set.json"), """
                {"images": [{"id": 7, "file_name": "a.png", "width": 200, "height": 200}, {"id": 8, "file_name": "b.png", "width": 200, "height": 200}],
                 "categories": [{"id": 1, "name": "person"}], "annotations": [%s]}""".formatted(String.join(", ", annotations)));
        Logger logger = (Logger) LoggerFactory.getLogger("sparsercnn.eval");
        appender.start();
        logger.addAppender(appender);
        try {
            return place.call("eval", "--self-check", "--config-file", Path.of("configs/sparsercnn.crowdhuman.res50.500pro.50e.yaml").toString(),
                    "--val-json", json.toString(), "--val-images", folder.toString(), "--val-metric", metric, "--threads", "1");
        } finally {
            logger.detachAppender(appender);
        }
    }

    @Test
    void good_annotations_score_one_and_nothing_is_written() throws IOException {
        String[] good = {box(1, 7, "1, 2, 30, 40", ""), box(2, 7, "5.5, 2, 30, 40", ""), box(3, 8, "0, 0, 200, 200", ", \"iscrowd\": 1")};
        assertThat(check("coco", good)).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(logged()).contains("Self-check of set, metric COCO", "set: AP 1.000 with 100 detections", "INFO Self-check passed.")
                .doesNotContain("WARN");
        assertThat(check("crowdhuman", good)).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(logged()).contains("metric CrowdHuman", "AP 0.500 (of 0.500, the most for 2 persons", "mMR 0.000, recall 1.000");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(f -> f.getFileName().toString())).containsExactlyInAnyOrder("set.json", "a.png", "b.png");
        }
    }

    @Test
    void images_with_more_than_100_objects_are_named() throws IOException {
        String[] crowded = IntStream.range(0, 120).mapToObj(i -> box(i + 1, 7, i % 14 * 12 + ", " + i / 14 * 12 + ", 10, 10", "")).toArray(String[]::new);
        assertThat(check("coco", crowded)).isEqualTo(new Workplace.Ended(0, ""));
        assertThat(logged()).contains("WARN set: images with more than 100 objects of a category: 1. Only 100 detections", "the best AP there is is 0.832 (with 120 detections 1.000)",
                "Image ids: 7 (120 person)");
        assertThat(check("crowdhuman", crowded)).as("has no limit").isEqualTo(new Workplace.Ended(0, ""));
    }

    @Test
    void what_keeps_the_score_from_one_is_named() throws IOException {
        String[] bad = {box(0, 7, "1, 2, 30, 40", ""), box(4, 7, "50, 50, 0, 10", ""), box(5, 8, "1, 1, 5, -5", ""), box(6, 8, "205, 10, 10, 10", ""),
            box(7, 8, "9, 9, 9, 9", ", \"area\": -3")};
        Workplace.Ended coco = check("coco", bad);
        assertThat(coco.code()).isEqualTo(3);
        assertThat(coco.err()).contains("set: the ground truth does not score 1.000 against itself", "boxes without area: 2 (annotation ids 4, 5)",
                "objects with annotation id 0: 1 (annotation ids 0)", "objects whose \"area\" is negative or absurdly large: 1 (annotation ids 7)")
                .doesNotContain("outside");
        Workplace.Ended crowdHuman = check("crowdhuman", bad);
        assertThat(crowdHuman.code()).isEqualTo(3);
        assertThat(crowdHuman.err()).contains("boxes without area: 2 (annotation ids 4, 5)", "boxes outside their image: 1 (annotation ids 6)")
                .doesNotContain("id 0");
    }

    /** They cost a perfect detector nothing, a real one much. */
    @Test
    void boxes_labelled_twice_are_a_warning() throws IOException {
        assertThat(check("coco", box(1, 7, "1, 2, 30, 40", ""), box(2, 7, "1, 2, 30, 40", ""), box(3, 8, "1, 2, 30, 40", "")).code()).isZero();
        assertThat(logged()).contains("WARN set: boxes that repeat another of the same class and image: 1 (annotation ids 2)");
    }

    @Test
    void no_boxes_are_no_score() throws IOException {
        for (String metric : new String[] {"coco", "crowdhuman"}) {
            Workplace.Ended ended = check(metric, box(1, 7, "1, 2, 30, 40", ", \"iscrowd\": 1"));
            assertThat(ended.code()).isEqualTo(3);
            assertThat(ended.err()).contains("It has no boxes to find; check that the annotation file is the right one");
        }
    }
}
