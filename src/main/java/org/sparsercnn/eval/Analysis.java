package org.sparsercnn.eval;

import java.util.List;
import org.sparsercnn.data.Metric;

/**
 * What detections are like beyond their score: which mistakes are made, where, and whether scores can be trusted. All at IoU 0.5.
 *
 * @param point the score that is cut at wherever detections are counted
 * @param images best first
 */
public record Analysis(Outcomes outcomes, OperatingPoint point, ErrorAnalysis errors, ConfusionMatrix confusion, Calibration calibration,
        List<ImageScore> images) {
    private static final int BINS = 20;

    /** @throws org.sparsercnn.util.BadInput if a detection belongs to an image the ground truth does not list */
    public static Analysis of(GroundTruth truth, Detections detections, Metric metric) {
        Outcomes outcomes = Outcomes.of(truth, detections, metric);
        OperatingPoint point = OperatingPoint.best(outcomes);
        return new Analysis(outcomes, point, ErrorAnalysis.of(outcomes, point), ConfusionMatrix.of(outcomes, detections, point.score()),
                Calibration.of(outcomes, BINS), ImageScore.of(outcomes, point.score()));
    }
}
