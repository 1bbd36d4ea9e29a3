package org.sparsercnn.viz.report;

import java.util.List;
import java.util.Map;
import org.sparsercnn.eval.Analysis;
import org.sparsercnn.eval.CocoResult;
import org.sparsercnn.eval.CrowdHumanResult;
import org.sparsercnn.eval.Score;

/**
 * What was measured on one data set.
 *
 * @param name of the data set
 * @param task what was measured, as in metrics.json: bbox or bbox_TTA
 * @param prefix of this set's numbers in metrics.json
 * @param timing seconds an image by stage, with what else is known of the time; empty where that was not kept
 * @param gallery the worst and the best images
 */
public record SetData(String name, String task, String prefix, Score score, Analysis analysis, Timing timing, Gallery gallery) {
    /**
     * Where the time of an evaluation went.
     *
     * @param secondsByStage of one image
     * @param facts further rows, ready to be read
     */
    public record Timing(Map<String, Double> secondsByStage, Map<String, String> facts) {}

    /**
     * Some images of a set.
     *
     * @param worst the worst first
     * @param best the best first
     * @param reason why there are none, if there are none
     */
    public record Gallery(List<Shot> worst, List<Shot> best, String reason) {}

    /**
     * An image of the gallery.
     *
     * @param name as in the annotation file
     * @param link from the page to the file; empty if there is none
     * @param jpeg the picture with boxes; empty if it could not be read
     * @param width of {@code jpeg} in pixels
     * @param height of {@code jpeg} in pixels
     * @param caption what was found
     * @param problem why there is no picture; empty if there is one
     */
    public record Shot(String name, String link, byte[] jpeg, int width, int height, String caption, String problem) {}

    CocoResult coco() {
        return switch (score) {
            case CocoResult coco -> coco;
            case CrowdHumanResult crowd -> crowd.coco();
        };
    }

    /** The main number, by which the set is judged first: a fraction. */
    double ap() {
        return score.percentages().get("AP") / 100;
    }

    String title() {
        return task.equals("bbox") ? name : name + ", " + (task.equals("bbox_TTA") ? "with test-time augmentation" : task);
    }
}
