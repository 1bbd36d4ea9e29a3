package org.sparsercnn.eval;

import java.util.function.IntPredicate;
import org.sparsercnn.data.AnnotationStore;

/**
 * D detections in columns, as a results file lists them.
 *
 * @param imageIds (D) image ids of the annotation file
 * @param categoryIds (D) original category ids, not contiguous indices
 * @param boxesXywhPx (D, 4) pixels of the upright original
 * @param scores (D)
 */
public record Detections(long[] imageIds, long[] categoryIds, double[] boxesXywhPx, double[] scores) {
    public Detections {
        if (categoryIds.length != imageIds.length || scores.length != imageIds.length || boxesXywhPx.length != 4 * imageIds.length) {
            throw new IllegalArgumentException("columns of different lengths: %d image ids, %d category ids, %d box numbers, %d scores"
                    .formatted(imageIds.length, categoryIds.length, boxesXywhPx.length, scores.length));
        }
    }

    public int count() {
        return imageIds.length;
    }

    /**
     * The ground truth as if it had been detected with score 1, crowd regions left out. Scored against itself it must give
     * AP 1: a quick proof that ids, categories and boxes of an annotation file fit together.
     */
    public static Detections ofTruth(GroundTruth truth) {
        return ofTruth(truth, i -> !truth.annotations().isCrowd(i));
    }

    /** The same of the boxes that {@code included} names by their place in the store. */
    public static Detections ofTruth(GroundTruth truth, IntPredicate included) {
        DetectionCollector collector = new DetectionCollector();
        AnnotationStore annotations = truth.annotations();
        double[] box = new double[4];
        for (int image = 0; image < annotations.imageCount(); image++) {
            for (int i = annotations.firstBox(image); i < annotations.firstBox(image + 1); i++) {
                if (included.test(i)) {
                    annotations.copyBoxXywhPx(i, box, 0);
                    collector.add(annotations.imageId(image), truth.categories().originalId(annotations.classIndex(i)), 1, box[0], box[1], box[2],
                            box[3]);
                }
            }
        }
        return collector.detections();
    }
}
