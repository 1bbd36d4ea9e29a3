package org.sparsercnn.eval;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.eval.CocoOptions.AreaRange;

/**
 * Matches detections to ground truth, one category at a time: pycocotools' evaluateImg.
 *
 * <p>In every image the detections, best score first, each take the still free object they overlap most, if the overlap
 * reaches the threshold. Objects that do not count (crowd regions, and objects outside the area range) are taken only when no
 * counting object is left to take; whoever takes one is neither hit nor miss. A crowd region can be taken any number of times.
 * A detection that took nothing is a miss, unless its own area is outside the range.
 *
 * <p>Safe for concurrent {@link #match} calls.
 */
public final class CocoMatcher {
    private static final Logger LOG = LoggerFactory.getLogger(CocoMatcher.class);
    private static final int NONE = -1;

    private final AnnotationStore annotations;
    private final Detections detections;
    private final CocoOptions options;
    private final int[] truthImages;
    private final int[] detectionImages;
    private final CellIndex truthCells;
    private final CellIndex detectionCells;

    /**
     * Sorts both sides into cells. Detections of categories the ground truth does not list are left out with a warning
     * (pycocotools: silently), and so are those with a box or score that is not finite.
     *
     * @throws org.sparsercnn.util.BadInput if a detection belongs to an image the ground truth does not list
     */
    public CocoMatcher(GroundTruth truth, Detections detections, CocoOptions options) {
        this.detections = detections;
        this.options = options;
        this.annotations = truth.annotations();
        int images = annotations.imageCount();
        int categories = truth.categories().size();
        truthImages = IntStream.range(0, images)
                .flatMap(i -> IntStream.generate(() -> i).limit(annotations.firstBox(i + 1) - annotations.firstBox(i))).toArray();
        truthCells = CellIndex.of(IntStream.range(0, annotations.boxCount()).toArray(),
                IntStream.range(0, annotations.boxCount()).map(annotations::classIndex).toArray(), categories, truthImages, images);
        DetectionRows rows = DetectionRows.of(truth, detections);
        detectionImages = rows.images();
        if (IntStream.range(0, annotations.boxCount()).anyMatch(i -> annotations.annotationId(i) == 0)) {
            LOG.warn("an annotation has id 0: pycocotools, and so this evaluation, counts a detection of it as a miss; number"
                    + " annotations from 1");
        }
        detectionCells = CellIndex.of(rows.usable(), rows.classes(), categories, detectionImages, images);
    }

    /** What became of every detection of one category. */
    public CategoryMatches match(int category) {
        return new Cells(category).match();
    }

    /** The walk over the images of one category, with its buffers. */
    private final class Cells {
        private final int category;
        private final int[] truthRows = truthCells.rows();
        private final int[] detectionRows = detectionCells.rows();
        private final double[] thresholds = options.iouThresholds();
        private final int limit = options.maxDetections()[options.maxDetections().length - 1];
        private final AreaRange[] ranges = AreaRange.values();
        private final int[] positives = new int[ranges.length];
        private final int count;
        private final double[] scores;
        private final int[] ranks;
        private final byte[] outcomes; // (A, T, count)
        private double[] objectsXywhPx = new double[0]; // (G, 4) of the current cell
        private double[] overlaps = new double[0]; // (D, G) of the current cell
        private boolean[] crowd = new boolean[0]; // (G)
        private int[] candidates = new int[0]; // (G) objects of the cell, those that count first
        private boolean[] ignored = new boolean[0]; // (G) in the order of candidates
        private boolean[] taken = new boolean[0]; // likewise

        Cells(int category) {
            this.category = category;
            count = keptDetections();
            scores = new double[count];
            ranks = new int[count];
            outcomes = new byte[ranges.length * thresholds.length * count];
        }

        private int keptDetections() {
            int kept = 0;
            for (int from = detectionCells.starts()[category], to; from < detectionCells.starts()[category + 1]; from = to) {
                to = detectionCells.cellEnd(from, category, detectionImages[detectionRows[from]], detectionImages);
                kept += Math.min(to - from, limit);
            }
            return kept;
        }

        CategoryMatches match() {
            int g = truthCells.starts()[category];
            int d = detectionCells.starts()[category];
            int gEnd = truthCells.starts()[category + 1];
            int dEnd = detectionCells.starts()[category + 1];
            for (int at = 0; g < gEnd || d < dEnd; ) {
                int image = Math.min(g < gEnd ? truthImages[truthRows[g]] : Integer.MAX_VALUE,
                        d < dEnd ? detectionImages[detectionRows[d]] : Integer.MAX_VALUE);
                int gNext = truthCells.cellEnd(g, category, image, truthImages);
                int dNext = detectionCells.cellEnd(d, category, image, detectionImages);
                at += cell(g, gNext, d, dNext, at);
                g = gNext;
                d = dNext;
            }
            return new CategoryMatches(category, scores, ranks, outcomes, positives);
        }

        /** One image; its detections go to positions {@code at}… of the result. Returns how many. */
        private int cell(int gFrom, int gTo, int dFrom, int dTo, int at) {
            int objects = gTo - gFrom;
            int kept = Math.min(dTo - dFrom, limit);
            int[] best = Arrays.copyOfRange(detectionRows, dFrom, dTo);
            ScoreOrder.sort(best, 0, best.length, detections.scores());
            for (int i = 0; i < kept; i++) {
                scores[at + i] = detections.scores()[best[i]];
                ranks[at + i] = i;
            }
            reserve(objects, kept);
            for (int j = 0; j < objects; j++) {
                annotations.copyBoxXywhPx(truthRows[gFrom + j], objectsXywhPx, 4 * j);
                crowd[j] = annotations.isCrowd(truthRows[gFrom + j]);
            }
            for (int i = 0; i < kept; i++) {
                for (int j = 0; j < objects; j++) {
                    overlaps[i * objects + j] = Boxes.cocoIouXywh(detections.boxesXywhPx(), best[i], objectsXywhPx, j, crowd[j]);
                }
            }
            for (AreaRange range : ranges) {
                positives[range.ordinal()] += order(gFrom, objects, range);
                for (int t = 0; t < thresholds.length; t++) {
                    take(range, t, best, kept, gFrom, objects, (range.ordinal() * thresholds.length + t) * count + at);
                }
            }
            return kept;
        }

        private void reserve(int objects, int kept) {
            if (overlaps.length < kept * objects) {
                overlaps = new double[2 * kept * objects];
            }
            if (candidates.length < objects) {
                objectsXywhPx = new double[8 * objects];
                crowd = new boolean[2 * objects];
                candidates = new int[2 * objects];
                ignored = new boolean[2 * objects];
                taken = new boolean[2 * objects];
            }
        }

        /** Puts the objects that count in {@code range} first, file order within either part; returns how many count. */
        private int order(int gFrom, int objects, AreaRange range) {
            int counting = 0;
            for (int j = 0; j < objects; j++) {
                if (!crowd[j] && !range.excludes(annotations.area(truthRows[gFrom + j]))) {
                    ignored[counting] = false;
                    candidates[counting++] = j;
                }
            }
            int next = counting;
            for (int j = 0, seen = 0; j < objects; j++) {
                if (seen < counting && candidates[seen] == j) {
                    seen++;
                } else {
                    ignored[next] = true;
                    candidates[next++] = j;
                }
            }
            return counting;
        }

        /** Lets every detection take its object at one threshold and notes the outcomes at {@code offset}…. */
        private void take(AreaRange range, int threshold, int[] best, int kept, int gFrom, int objects, int offset) {
            Arrays.fill(taken, 0, objects, false);
            for (int i = 0; i < kept; i++) {
                double overlap = Math.min(thresholds[threshold], 1 - 1e-10);
                int match = NONE;
                for (int k = 0; k < objects; k++) {
                    if (taken[k] && !crowd[candidates[k]]) {
                        continue;
                    }
                    if (match != NONE && !ignored[match] && ignored[k]) {
                        break; // an object that counts is never given up for one that does not
                    }
                    double candidate = overlaps[i * objects + candidates[k]];
                    if (candidate >= overlap) { // of equal overlaps the last one wins
                        overlap = candidate;
                        match = k;
                    }
                }
                if (match != NONE) {
                    taken[match] = true;
                }
                outcomes[offset + i] = outcome(range, best[i], match, gFrom);
            }
        }

        private byte outcome(AreaRange range, int detection, int match, int gFrom) {
            if (match != NONE && ignored[match]) {
                return CategoryMatches.IGNORED;
            }
            // upstream marks a match by the annotation's id, so id 0 reads as no match
            if (match != NONE && annotations.annotationId(truthRows[gFrom + candidates[match]]) != 0) {
                return CategoryMatches.HIT;
            }
            double area = detections.boxesXywhPx()[4 * detection + 2] * detections.boxesXywhPx()[4 * detection + 3];
            return range.excludes(area) ? CategoryMatches.IGNORED : CategoryMatches.MISS;
        }
    }
}
