package org.sparsercnn.data;

import java.nio.file.Path;
import java.util.List;

/**
 * One picture as the network gets it, before normalisation and padding.
 *
 * @param imageId id in the annotation file
 * @param original size of the upright picture before any transform: detections are scaled back to it
 * @param image pixels after the transforms, channels in the order of INPUT.FORMAT
 * @param boxesXyxyPx (M, 4) in pixels of {@code image}, inside it, none empty
 * @param classes (M) contiguous class indices
 * @param transforms what was done, in order
 */
public record Sample(long imageId, Path file, ImageSize original, Image image, float[] boxesXyxyPx, int[] classes,
        List<Transform> transforms) {}
