package org.sparsercnn.eval;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.data.AnnotationStore;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.Examples;

/**
 * What detections refer to in their ground truth.
 *
 * @param images (D) index of the image
 * @param classes (D) contiguous class, -1 for a category the ground truth does not list
 * @param usable the detections that can be scored, in their order
 */
record DetectionRows(int[] images, int[] classes, int[] usable) {
    private static final Logger LOG = LoggerFactory.getLogger(DetectionRows.class);

    /**
     * Detections of categories the ground truth does not list are left out with a warning, and so are those with a box or score
     * that is not finite.
     *
     * @throws BadInput if a detection belongs to an image the ground truth does not list
     */
    static DetectionRows of(GroundTruth truth, Detections detections) {
        int[] images = imagesOf(detections, truth.annotations());
        int[] classes = Arrays.stream(detections.categoryIds()).mapToInt(truth.categories()::indexOf).toArray();
        int[] usable = IntStream.range(0, detections.count()).filter(i -> classes[i] >= 0 && isFinite(detections, i)).toArray();
        warnOfLeftOut(detections, classes, usable.length);
        return new DetectionRows(images, classes, usable);
    }

    private static int[] imagesOf(Detections detections, AnnotationStore truth) {
        int[] images = Arrays.stream(detections.imageIds()).mapToInt(truth::imageIndex).toArray();
        Examples unknown = Examples.of(IntStream.range(0, images.length).filter(i -> images[i] < 0).mapToLong(i -> detections.imageIds()[i]).distinct());
        if (unknown.count() > 0) {
            throw BadInput.of("detections belong to %d images that the ground truth does not list: image ids %s; results and annotation"
                    + " file must be of the same data set", unknown.count(), unknown);
        }
        return images;
    }

    private static void warnOfLeftOut(Detections detections, int[] classes, int usable) {
        long[] unknown = IntStream.range(0, classes.length).filter(i -> classes[i] < 0).mapToLong(i -> detections.categoryIds()[i])
                .toArray();
        if (unknown.length > 0) {
            LOG.warn("{} detections of categories that the ground truth does not list are left out: category ids {}", unknown.length,
                    Examples.of(Arrays.stream(unknown).distinct()));
        }
        int notFinite = classes.length - unknown.length - usable;
        if (notFinite > 0) {
            LOG.warn("{} detections with a box or score that is not finite are left out", notFinite);
        }
    }

    private static boolean isFinite(Detections detections, int row) {
        return Double.isFinite(detections.scores()[row])
                && IntStream.range(4 * row, 4 * row + 4).allMatch(k -> Double.isFinite(detections.boxesXywhPx()[k]));
    }
}
