package org.sparsercnn.eval;

import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.sparsercnn.data.CategoryMap;

/** The first step of the evaluation road: gathers what the model finds, image by image. Not thread-safe. */
public final class DetectionCollector {
    private final LongStream.Builder imageIds = LongStream.builder();
    private final LongStream.Builder categoryIds = LongStream.builder();
    private final DoubleStream.Builder boxesXywhPx = DoubleStream.builder();
    private final DoubleStream.Builder scores = DoubleStream.builder();

    /** One detection with its original category id; (x, y, width, height) in pixels of the upright original. */
    public void add(long imageId, long categoryId, double score, double x, double y, double width, double height) {
        imageIds.add(imageId);
        categoryIds.add(categoryId);
        scores.add(score);
        boxesXywhPx.add(x).add(y).add(width).add(height);
    }

    /**
     * All N detections of one image as the model's post-processing leaves them. Width and height are taken in float32 as
     * detectron2 does, so the results file holds the same digits.
     *
     * @param boxesXyxyPx (N, 4) pixels of the upright original
     * @param scores (N)
     * @param classes (N) contiguous indices into {@code categories}
     */
    public void add(long imageId, float[] boxesXyxyPx, float[] scores, int[] classes, CategoryMap categories) {
        for (int i = 0; i < classes.length; i++) {
            int o = 4 * i;
            float width = boxesXyxyPx[o + 2] - boxesXyxyPx[o];
            float height = boxesXyxyPx[o + 3] - boxesXyxyPx[o + 1];
            add(imageId, categories.originalId(classes[i]), scores[i], boxesXyxyPx[o], boxesXyxyPx[o + 1], width, height);
        }
    }

    /** Everything gathered; the collector is used up. */
    public Detections detections() {
        return new Detections(imageIds.build().toArray(), categoryIds.build().toArray(), boxesXywhPx.build().toArray(),
                scores.build().toArray());
    }
}
