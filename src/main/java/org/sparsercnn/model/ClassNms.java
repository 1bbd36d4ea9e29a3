package org.sparsercnn.model;

import java.util.stream.IntStream;

/**
 * Non-maximum suppression class by class: a box goes if a better one of its class overlaps it by more than the threshold
 * (torchvision's {@code nms} in detectron2's {@code fast_rcnn_inference_single_image}, float32).
 *
 * @param iouThreshold largest overlap that two boxes of a class keep
 */
public record ClassNms(double iouThreshold) {
    /** Scores up to this are no detections. */
    private static final float LEAST_SCORE = 1e-8f;

    /**
     * What is left, best first.
     *
     * @param most detections that are kept; negative: all
     */
    public Detections merge(Detections all, int most) {
        Detections finite = all.finite();
        Detections d = finite.keep(IntStream.range(0, finite.count()).filter(i -> finite.scores()[i] > LEAST_SCORE).toArray()).sorted();
        boolean[] dropped = new boolean[d.count()];
        for (int i = 0; i < dropped.length; i++) {
            for (int j = i + 1; j < dropped.length && !dropped[i]; j++) {
                dropped[j] |= d.classes()[i] == d.classes()[j] && d.iou(i, j) > iouThreshold; // not for the NaN of two empty boxes
            }
        }
        Detections kept = d.keep(IntStream.range(0, dropped.length).filter(i -> !dropped[i]).toArray());
        return most < 0 ? kept : kept.first(most);
    }
}
