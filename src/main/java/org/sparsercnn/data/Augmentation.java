package org.sparsercnn.data;

import org.sparsercnn.util.CounterRandom;

/** A random choice of a {@link Transform}: the policy without pixels, so that a draw can be recorded and repeated. */
public sealed interface Augmentation permits RandomCrop, RandomFlip, ResizeShortestEdge {
    /** Chooses for a picture of {@code size}. */
    Transform draw(ImageSize size, CounterRandom random);
}
