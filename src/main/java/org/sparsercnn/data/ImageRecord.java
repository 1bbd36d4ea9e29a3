package org.sparsercnn.data;

import java.nio.file.Path;

/**
 * One image of a data set with its M instances.
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
 */
public record ImageRecord(long id, String fileName, Path file, int width, int height, double[] boxesXywhPx, int[] classes,
        boolean[] crowd, double[] areas, long[] annotationIds) {

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
