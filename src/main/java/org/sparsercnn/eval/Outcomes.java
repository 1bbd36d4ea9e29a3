package org.sparsercnn.eval;

import java.util.Arrays;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.data.Metric;

/**
 * What became of each of N detections: images ascending, best score first within an image. Matched as COCO does at IoU {@value #FOUND}, with
 * up to {@value #LIMIT} detections an image and class; because the best score chooses first, the detections above any score have the same
 * outcomes as if they were alone.
 *
 * @param truth what they were held against
 * @param counted (M) by box of the truth: whether it is an object; crowd regions, and for CrowdHuman boxes to ignore, are not
 * @param foundAt (M) score of the detection that took the object; NaN where none did
 * @param rows (N) where the detection stands in what was given
 * @param images (N) index of its image
 * @param classes (N) contiguous class
 * @param scores (N)
 * @param outcomes (N)
 * @param targets (N) the box of the truth that the outcome speaks of, -1 for background
 * @param overlaps (N) IoU with that box, 0 for background
 */
public record Outcomes(GroundTruth truth, boolean[] counted, double[] foundAt, int[] rows, int[] images, int[] classes, double[] scores,
        Outcome[] outcomes, int[] targets, double[] overlaps) {
    /** IoU from which an object counts as found. */
    public static final double FOUND = 0.5;
    /** IoU below which a detection has nothing to do with an object. */
    public static final double NEAR = 0.1;
    private static final int LIMIT = 100;

    /**
     * @param metric tells which boxes of the truth are objects
     * @throws org.sparsercnn.util.BadInput if a detection belongs to an image the ground truth does not list
     */
    public static Outcomes of(GroundTruth truth, Detections detections, Metric metric) {
        return new Matching(truth, detections, metric).run();
    }

    /** N. */
    public int count() {
        return rows.length;
    }

    public CategoryMap categories() {
        return truth.categories();
    }

    /** Objects there are. */
    public int objects() {
        int n = 0;
        for (boolean one : counted) {
            n += one ? 1 : 0;
        }
        return n;
    }

    /** Whether the object was taken by a detection of at least this score. */
    public boolean isFound(int box, double score) {
        return foundAt[box] >= score;
    }

    /** The walk over the images, with its buffers. */
    private static final class Matching {
        private final AnnotationStore store;
        private final Detections detections;
        private final CellIndex cells;
        private final int[] classOf; // by row
        private final Outcomes result;
        private double[] truthXywhPx = new double[0]; // (G, 4) of the current image
        private int[] taken; // how many detections of each class the current image has had
        private int n;

        Matching(GroundTruth truth, Detections detections, Metric metric) {
            this.store = truth.annotations();
            this.detections = detections;
            boolean[] counted = new boolean[store.boxCount()];
            for (int i = 0; i < counted.length; i++) {
                counted[i] = !store.isCrowd(i) && !(metric == Metric.CROWDHUMAN && store.isIgnored(i));
            }
            double[] foundAt = new double[counted.length];
            Arrays.fill(foundAt, Double.NaN);
            DetectionRows used = DetectionRows.of(truth, detections);
            classOf = used.classes();
            cells = CellIndex.byImage(used.usable(), used.images(), store.imageCount());
            int most = used.usable().length;
            result = new Outcomes(truth, counted, foundAt, new int[most], new int[most], new int[most], new double[most], new Outcome[most],
                    new int[most], new double[most]);
        }

        Outcomes run() {
            for (int image = 0; image < store.imageCount(); image++) {
                image(image);
            }
            return new Outcomes(result.truth, result.counted, result.foundAt, Arrays.copyOf(result.rows, n), Arrays.copyOf(result.images, n),
                    Arrays.copyOf(result.classes, n), Arrays.copyOf(result.scores, n), Arrays.copyOf(result.outcomes, n),
                    Arrays.copyOf(result.targets, n), Arrays.copyOf(result.overlaps, n));
        }

        private void image(int image) {
            int[] best = Arrays.copyOfRange(cells.rows(), cells.starts()[image], cells.starts()[image + 1]);
            ScoreOrder.sort(best, 0, best.length, detections.scores());
            int first = store.firstBox(image);
            int objects = store.firstBox(image + 1) - first;
            if (truthXywhPx.length < 4 * objects) {
                truthXywhPx = new double[8 * objects];
            }
            for (int j = 0; j < objects; j++) {
                store.copyBoxXywhPx(first + j, truthXywhPx, 4 * j);
            }
            taken = new int[result.categories().size()];
            for (int row : best) {
                if (taken[classOf[row]]++ < LIMIT) {
                    result.rows[n] = row;
                    result.images[n] = image;
                    result.classes[n] = classOf[row];
                    result.scores[n] = detections.scores()[row];
                    judge(row, first, objects);
                    n++;
                }
            }
        }

        private void judge(int row, int first, int objects) {
            int free = -1; // the object of its class it overlaps most, of those still free
            int own = -1; // of its class at all
            int other = -1; // of another class
            int region = -1; // a region of its class that is not counted
            double freeIou = Math.min(FOUND, 1 - 1e-10);
            double ownIou = 0;
            double otherIou = 0;
            for (int j = 0; j < objects; j++) {
                boolean counts = result.counted[first + j];
                boolean same = store.classIndex(first + j) == classOf[row];
                double iou = Boxes.cocoIouXywh(detections.boxesXywhPx(), row, truthXywhPx, j, !counts);
                if (!counts) {
                    region = same && iou >= FOUND ? first + j : region;
                } else if (same) {
                    if (iou >= freeIou && Double.isNaN(result.foundAt[first + j])) { // of equal overlaps the last one wins, as in COCO
                        freeIou = iou;
                        free = first + j;
                    }
                    if (iou > ownIou) {
                        ownIou = iou;
                        own = first + j;
                    }
                } else if (iou > otherIou) {
                    otherIou = iou;
                    other = first + j;
                }
            }
            if (free >= 0) {
                result.foundAt[free] = result.scores[n];
                note(Outcome.CORRECT, free, freeIou);
            } else if (region >= 0) {
                note(Outcome.IGNORED, region, 0);
            } else if (ownIou >= NEAR && ownIou < FOUND) {
                note(Outcome.BADLY_PLACED, own, ownIou);
            } else if (otherIou >= FOUND) {
                note(Outcome.WRONG_CLASS, other, otherIou);
            } else if (ownIou >= FOUND) {
                note(Outcome.DUPLICATE, own, ownIou);
            } else if (otherIou >= NEAR) {
                note(Outcome.BOTH, other, otherIou);
            } else {
                note(Outcome.BACKGROUND, -1, 0);
            }
        }

        private void note(Outcome outcome, int target, double overlap) {
            result.outcomes[n] = outcome;
            result.targets[n] = target;
            result.overlaps[n] = overlap;
        }
    }
}
