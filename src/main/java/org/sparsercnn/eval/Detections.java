package org.sparsercnn.eval;

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
        DetectionCollector collector = new DetectionCollector();
        double[] box = truth.annotations().boxesXywhPx();
        for (int i = 0; i < truth.annotations().count(); i++) {
            if (!truth.annotations().crowd()[i]) {
                collector.add(truth.imageIds()[truth.annotations().imageIndices()[i]],
                        truth.categories().originalId(truth.annotations().classes()[i]), 1, box[4 * i], box[4 * i + 1], box[4 * i + 2],
                        box[4 * i + 3]);
            }
        }
        return collector.detections();
    }
}
