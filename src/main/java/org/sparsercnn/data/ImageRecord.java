package org.sparsercnn.data;

import java.nio.file.Path;
import java.util.Arrays;
import org.sparsercnn.util.CounterRandom;

/**
 * One image of a data set with its M instances, made when asked for ({@link Dataset#images}) and kept no longer than needed.
 *
 * @param id image id as in the annotation file
 * @param fileName name as in the annotation file
 * @param file where the image lies
 * @param width pixels of the upright original
 * @param height pixels of the upright original
 * @param boxesXywhPx (M, 4) COCO's (x, y, width, height) in pixels of the upright original, inside the image
 * @param classes (M) contiguous class indices, see {@link CategoryMap}
 * @param crowd (M) whether the box is a crowd region: kept for evaluation, never trained on
 * @param areas (M) the area the file states (COCO: of the mask), square pixels
 * @param annotationIds (M)
 * @param randomKey what is drawn for the image depends on it, the seed and the epoch; the id, unless sets are joined, whose ids may
 *     be the same
 */
public record ImageRecord(long id, String fileName, Path file, int width, int height, double[] boxesXywhPx, int[] classes,
        boolean[] crowd, double[] areas, long[] annotationIds, long randomKey) {

    /** An image of one set alone. */
    public ImageRecord(long id, String fileName, Path file, int width, int height, double[] boxesXywhPx, int[] classes,
            boolean[] crowd, double[] areas, long[] annotationIds) {
        this(id, fileName, file, width, height, boxesXywhPx, classes, crowd, areas, annotationIds, id);
    }

    /** The same image as one of the {@code part}-th set of several: classes renumbered, drawn apart from equal ids of the others. */
    ImageRecord joined(int part, int[] newClasses) {
        return new ImageRecord(id, fileName, file, width, height, boxesXywhPx, Arrays.stream(classes).map(c -> newClasses[c]).toArray(), crowd,
                areas, annotationIds, randomKey ^ CounterRandom.mix(part)); // mix(0) is 0: the first set draws as it does alone
    }

    /** M, crowd regions included. */
    public int instances() {
        return classes.length;
    }

    /** Instances that training uses: all but crowd regions. */
    public int trainable() {
        int count = 0;
        for (boolean isCrowd : crowd) {
            count += isCrowd ? 0 : 1;
        }
        return count;
    }
}
