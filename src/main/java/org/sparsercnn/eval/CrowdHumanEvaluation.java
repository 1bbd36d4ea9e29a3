package org.sparsercnn.eval;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.sparsercnn.box.Boxes;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.data.CategoryMap;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Examples;

/**
 * Matches detections to persons as CrowdHuman's published script does.
 *
 * <p>Boxes are first clipped to their image. In every image the detections, best score first, each take the free person they
 * overlap most, if the overlap is above the threshold. One that takes none is a false positive, unless enough of it lies in a
 * region to ignore: then it does not count. Any number of detections may lie in such a region.
 */
public final class CrowdHumanEvaluation {
    /** Added to every denominator by the published script. */
    private static final double EPSILON = 1e-6;

    private final AnnotationStore truth;
    private final Detections detections;
    private final CrowdHumanOptions options;
    private final boolean[] ignored; // by annotation
    private final CellIndex detectionCells;
    private final double[] scores;
    private final boolean[] hits;
    private int count;

    private CrowdHumanEvaluation(GroundTruth truth, Detections detections, CrowdHumanOptions options) {
        this.truth = truth.annotations();
        this.detections = detections;
        this.options = options;
        ignored = new boolean[this.truth.boxCount()];
        for (int i = 0; i < ignored.length; i++) {
            ignored[i] = this.truth.isCrowd(i) || this.truth.isIgnored(i) && !options.published();
        }
        DetectionRows rows = DetectionRows.of(truth, detections);
        detectionCells = CellIndex.byImage(rows.usable(), rows.images(), this.truth.imageCount());
        scores = new double[rows.usable().length];
        hits = new boolean[scores.length];
    }

    /**
     * Measures {@code detections} against {@code truth}; its crowd regions are those to ignore.
     *
     * @throws BadInput if a detection belongs to an image the ground truth does not list, if an image has no size, or if there
     *     are several classes
     */
    public static CrowdHumanCurve evaluate(GroundTruth truth, Detections detections, CrowdHumanOptions options) {
        requireOneClass("the ground truth", truth.categories());
        return new CrowdHumanEvaluation(truth, detections, options).curve();
    }

    /**
     * The metric is for one class; to be asked before anything expensive.
     *
     * @param name of the data set, for the message
     */
    public static void requireOneClass(String name, CategoryMap categories) {
        if (categories.size() != 1) {
            throw BadInput.of("%s has %d classes (%s), but CrowdHuman's metric is for one; score it by COCO's", name, categories.size(),
                    String.join(", ", categories.names()));
        }
    }

    private CrowdHumanCurve curve() {
        int[] images = images();
        for (int image : images) {
            match(image);
        }
        int[] byScore = ScoreOrder.descending(Arrays.copyOf(scores, count));
        int[] found = new int[count];
        for (int k = 0, sum = 0; k < count; k++) {
            sum += hits[byScore[k]] ? 1 : 0;
            found[k] = sum;
        }
        int regions = (int) IntStream.range(0, ignored.length).filter(i -> ignored[i]).count();
        return new CrowdHumanCurve(Arrays.stream(byScore).mapToDouble(i -> scores[i]).toArray(), found, ignored.length - regions, regions,
                images.length, options);
    }

    /** In the published order, that of their first annotations, by which equal scores are ranked; those without come last. */
    private int[] images() {
        int[] images = truth.imagesInFileOrder();
        if (options.published()) {
            int annotated = images.length;
            while (annotated > 0 && isEmpty(images[annotated - 1])) {
                annotated--;
            }
            Examples foreign = Examples.of(Arrays.stream(images, annotated, images.length)
                    .filter(image -> detectionCells.starts()[image] < detectionCells.starts()[image + 1]).mapToLong(truth::imageId));
            if (foreign.count() > 0) {
                throw BadInput.of("detections on %d images without annotations, where the published script fails: image ids %s; score"
                        + " without --as-published", foreign.count(), foreign);
            }
            return Arrays.copyOf(images, annotated);
        }
        return images;
    }

    private boolean isEmpty(int image) {
        return truth.firstBox(image) == truth.firstBox(image + 1);
    }

    private void match(int image) {
        int[] found = Arrays.copyOfRange(detectionCells.rows(), detectionCells.starts()[image], detectionCells.starts()[image + 1]);
        if (found.length == 0) {
            return;
        }
        ScoreOrder.sort(found, 0, found.length, detections.scores());
        double[] detected = clipped(detections.boxesXywhPx(), found, image);
        double[] persons = truth(image, false);
        double[] regions = truth(image, true);
        boolean[] taken = new boolean[persons.length / 4];
        for (int d = 0; d < found.length; d++) {
            int person = freePerson(detected, d, persons, taken);
            if (person >= 0) {
                taken[person] = true;
            }
            if (person >= 0 || !liesInARegion(detected, d, regions)) {
                hits[count] = person >= 0;
                scores[count++] = detections.scores()[found[d]];
            }
        }
    }

    private double[] truth(int image, boolean regions) {
        int[] rows = IntStream.range(truth.firstBox(image), truth.firstBox(image + 1)).filter(row -> ignored[row] == regions).toArray();
        double[] boxesXywhPx = new double[4 * rows.length];
        for (int i = 0; i < rows.length; i++) {
            truth.copyBoxXywhPx(rows[i], boxesXywhPx, 4 * i);
        }
        return clipped(boxesXywhPx, IntStream.range(0, rows.length).toArray(), image);
    }

    /** The one overlapped most, of equal ones the first; -1 if none is overlapped enough. */
    private int freePerson(double[] detected, int d, double[] persons, boolean[] taken) {
        int best = -1;
        double overlap = options.overlap();
        for (int p = 0; p < taken.length; p++) {
            if (!taken[p]) {
                double shared = Boxes.intersectionXyxy(detected, d, persons, p);
                double iou = shared / (Boxes.areaXyxy(detected, d) + Boxes.areaXyxy(persons, p) - shared + EPSILON);
                if (iou > overlap) {
                    overlap = iou;
                    best = p;
                }
            }
        }
        return best;
    }

    private boolean liesInARegion(double[] detected, int d, double[] regions) {
        return IntStream.range(0, regions.length / 4).anyMatch(r ->
                Boxes.intersectionXyxy(detected, d, regions, r) / (Boxes.areaXyxy(detected, d) + EPSILON) > options.overlap());
    }

    /** Corners of the boxes named, inside the image: as published, the upper left one at most on the last pixel. */
    private double[] clipped(double[] boxesXywhPx, int[] rows, int image) {
        int width = truth.width(image);
        int height = truth.height(image);
        if (width <= 0 || height <= 0) {
            throw BadInput.of("image id %d has no \"width\" or \"height\" in the annotation file; CrowdHuman's metric clips boxes to the image:"
                    + " add them", truth.imageId(image));
        }
        double[] boxesXyxyPx = new double[4 * rows.length];
        for (int i = 0; i < rows.length; i++) {
            int from = 4 * rows[i];
            int to = 4 * i;
            boxesXyxyPx[to] = Math.clamp(boxesXywhPx[from], 0, width - 1);
            boxesXyxyPx[to + 1] = Math.clamp(boxesXywhPx[from + 1], 0, height - 1);
            boxesXyxyPx[to + 2] = Math.clamp(boxesXywhPx[from] + boxesXywhPx[from + 2], 0, width);
            boxesXyxyPx[to + 3] = Math.clamp(boxesXywhPx[from + 1] + boxesXywhPx[from + 3], 0, height);
        }
        return boxesXyxyPx;
    }
}
