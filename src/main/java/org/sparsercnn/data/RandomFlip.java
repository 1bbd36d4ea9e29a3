package org.sparsercnn.data;

import org.sparsercnn.util.CounterRandom;

/** Mirrors every second picture (detectron2's RandomFlip with its default probability 1/2). */
public record RandomFlip(Direction direction) implements Augmentation {
    /** Which sides change places. */
    public enum Direction {
        HORIZONTAL, VERTICAL
    }

    @Override
    public Transform draw(ImageSize size, CounterRandom random) {
        if (random.nextDouble() >= 0.5) {
            return new Transform.NoOp();
        }
        return switch (direction) {
            case HORIZONTAL -> new Transform.HorizontalFlip(size.width());
            case VERTICAL -> new Transform.VerticalFlip(size.height());
        };
    }
}
