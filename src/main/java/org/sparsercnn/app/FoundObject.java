package org.sparsercnn.app;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.model.Detections;

/**
 * One detection as results are written.
 *
 * @param categoryId the data set's own id
 * @param bboxXywhPx left, top, width, height in pixels of the upright picture
 */
@JsonPropertyOrder({"category_id", "category_name", "bbox", "score"})
public record FoundObject(@JsonProperty("category_id") long categoryId, @JsonProperty("category_name") String categoryName,
        @JsonProperty("bbox") float[] bboxXywhPx, @JsonProperty("score") float score) {
    /** In the order of {@code found}. */
    static List<FoundObject> of(Detections found, CategoryMap categories) {
        List<FoundObject> all = new ArrayList<>();
        float[] b = found.boxesXyxyPx();
        for (int i = 0; i < found.count(); i++) {
            float[] bboxXywhPx = {b[4 * i], b[4 * i + 1], b[4 * i + 2] - b[4 * i], b[4 * i + 3] - b[4 * i + 1]};
            all.add(new FoundObject(categories.originalId(found.classes()[i]), categories.name(found.classes()[i]), bboxXywhPx, found.scores()[i]));
        }
        return all;
    }
}
