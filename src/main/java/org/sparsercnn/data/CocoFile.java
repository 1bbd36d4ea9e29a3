package org.sparsercnn.data;

import java.nio.file.Path;
import org.sparsercnn.util.BadInput;

/**
 * A COCO annotation file as it stands, in columns: references resolved, nothing repaired. Training repairs the boxes ({@link
 * CocoReader}); evaluation must see them as pycocotools does.
 *
 * @param source the file
 * @param images by ascending id
 * @param annotations in file order
 * @param categories the file's classes
 */
public record CocoFile(Path source, Images images, Annotations annotations, CategoryMap categories) {
    /**
     * I images.
     *
     * @param ids ascending
     * @param fileNames null where the file has none
     * @param widths pixels, 0 where the file has none
     * @param heights pixels, 0 where the file has none
     */
    public record Images(long[] ids, String[] fileNames, int[] widths, int[] heights) {
        public int count() {
            return ids.length;
        }
    }

    /**
     * M annotations.
     *
     * @param imageIndices into {@link Images}
     * @param classes contiguous class indices
     * @param boxesXywhPx (M, 4)
     * @param areas square pixels as stated; the box's own area where the file states none
     * @param crowd iscrowd
     * @param ignore the "ignore" flag some converters write; pycocotools overwrites it by iscrowd
     */
    public record Annotations(long[] ids, int[] imageIndices, int[] classes, double[] boxesXywhPx, double[] areas, boolean[] crowd,
            boolean[] ignore) {
        public int count() {
            return ids.length;
        }
    }

    /**
     * Reads an instances file.
     *
     * @throws BadInput if it is missing, no JSON, not COCO's layout, lacks a key, has no image, repeats an id, or refers to an
     *     image or category that it does not list
     */
    public static CocoFile read(Path json) {
        return JsonStream.read(json, in -> new CocoParser(json, in).parse());
    }
}
