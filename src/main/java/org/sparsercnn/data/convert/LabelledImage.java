package org.sparsercnn.data.convert;

import java.util.List;
import org.sparsercnn.data.ImageSize;

/**
 * One image with its objects, in whatever format they were.
 *
 * @param fileName relative to the image folder, with forward slashes
 * @param size of the upright image
 */
public record LabelledImage(String fileName, ImageSize size, List<Instance> instances) {
    /**
     * One object.
     *
     * @param category 1 to K
     * @param box in pixels
     * @param visible CrowdHuman's box of the visible part as it stands there, or null
     * @param crowd COCO's iscrowd: not trained on, and neither hit nor miss in evaluation
     */
    public record Instance(int category, Box box, List<Number> visible, boolean crowd) {}
}
