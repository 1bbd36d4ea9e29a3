package org.sparsercnn.loss;

/**
 * The objects of one training image.
 *
 * @param classes (M) indices below NUM_CLASSES
 * @param boxesXyxyPx (M, 4) in pixels of the network's input
 */
public record Target(int[] classes, float[] boxesXyxyPx) {
    public int count() {
        return classes.length;
    }
}
