package org.sparsercnn.eval;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.sparsercnn.data.JsonStream;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Json;

/**
 * COCO's results format, detectron2's {@code coco_instances_results.json}: a list of {@code {"image_id", "category_id",
 * "bbox": [x, y, width, height], "score"}}, original ids, pixels of the upright original.
 */
public final class ResultsJson {
    /** The name detectron2 gives the file in its inference folder. */
    public static final String FILE_NAME = "coco_instances_results.json";

    private ResultsJson() {}

    /**
     * Reads a results file of any size in one pass; further keys (segmentation, …) are passed over.
     *
     * @throws BadInput if it is missing, no list of results, an entry lacks a key, or a box or score is not a finite number
     */
    public static Detections read(Path file) {
        return JsonStream.read(file, in -> {
            if (in.atObject()) {
                throw new BadInput(file + ": an object, not detection results; it looks like an annotation file; wanted is a list of"
                        + " {\"image_id\", \"category_id\", \"bbox\", \"score\"}");
            }
            DetectionCollector collector = new DetectionCollector();
            Row row = new Row();
            in.array(() -> row.read(in, collector));
            return collector.detections();
        });
    }

    /** Writes atomically; every number with all the digits it has. */
    public static void write(Path file, Detections detections) {
        try {
            AtomicFiles.write(file, out -> {
                try (JsonGenerator json = Json.MAPPER.getFactory().createGenerator(out)) {
                    json.writeStartArray();
                    for (int i = 0; i < detections.count(); i++) {
                        json.writeStartObject();
                        json.writeNumberField("image_id", detections.imageIds()[i]);
                        json.writeNumberField("category_id", detections.categoryIds()[i]);
                        json.writeFieldName("bbox");
                        json.writeArray(detections.boxesXywhPx(), 4 * i, 4);
                        json.writeNumberField("score", detections.scores()[i]);
                        json.writeEndObject();
                    }
                    json.writeEndArray();
                }
            });
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; free some space or choose another folder", e);
        }
    }

    /** The entry being read. */
    private static final class Row {
        private final double[] box = new double[4];
        private Long imageId;
        private Long categoryId;
        private boolean hasBox;
        private boolean hasScore;
        private double score;

        void read(JsonStream in, DetectionCollector collector) throws IOException {
            imageId = null;
            categoryId = null;
            hasBox = false;
            hasScore = false;
            in.object(key -> {
                switch (key) {
                    case "image_id" -> imageId = in.integer();
                    case "category_id" -> categoryId = in.integer();
                    case "bbox" -> {
                        in.numbers(box);
                        hasBox = true;
                    }
                    case "score" -> {
                        score = in.number();
                        hasScore = true;
                    }
                    default -> in.skip();
                }
            });
            if (imageId == null || categoryId == null || !hasBox || !hasScore) {
                throw in.bad("this detection has no \"%s\"",
                        imageId == null ? "image_id" : categoryId == null ? "category_id" : hasBox ? "score" : "bbox");
            }
            if (!Double.isFinite(score) || !Arrays.stream(box).allMatch(Double::isFinite)) {
                throw in.bad("this detection of image %d has a box or score that is not a finite number", imageId);
            }
            collector.add(imageId, categoryId, score, box[0], box[1], box[2], box[3]);
        }
    }
}
