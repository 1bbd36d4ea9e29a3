package org.sparsercnn.data;

import java.util.List;
import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

/**
 * Scales so that the shorter side gets a drawn length, unless the longer one would exceed {@code maxSize}, which then
 * decides (detectron2's ResizeShortestEdge). Length 0 leaves the picture as it is.
 *
 * @param lengths candidates, or with {@link Sampling#RANGE} the two bounds, both included
 */
public record ResizeShortestEdge(List<Integer> lengths, Sampling sampling, int maxSize) implements Augmentation {
    /** How a length comes from {@code lengths}. */
    public enum Sampling {
        CHOICE, RANGE
    }

    public ResizeShortestEdge {
        lengths = List.copyOf(lengths);
        if (lengths.isEmpty() || lengths.stream().anyMatch(length -> length < 0)) {
            throw BadInput.of("INPUT.MIN_SIZE_TRAIN is %s: give at least one length, none negative", lengths);
        }
        if (sampling == Sampling.RANGE && (lengths.size() != 2 || lengths.get(0) > lengths.get(1))) {
            throw BadInput.of("INPUT.MIN_SIZE_TRAIN is %s, but INPUT.MIN_SIZE_TRAIN_SAMPLING 'range' needs the lowest and the"
                    + " highest length, such as (640, 800)", lengths);
        }
    }

    /** One length only. */
    public static ResizeShortestEdge to(int length, int maxSize) {
        return new ResizeShortestEdge(List.of(length), Sampling.CHOICE, maxSize);
    }

    @Override
    public Transform draw(ImageSize size, CounterRandom random) {
        int length = switch (sampling) {
            case CHOICE -> lengths.get(random.nextInt(lengths.size()));
            case RANGE -> random.nextIntInclusive(lengths.get(0), lengths.get(1));
        };
        if (length == 0) {
            return new Transform.NoOp();
        }
        ImageSize scaled = scaled(size, length, maxSize);
        return new Transform.Scale(size.width(), size.height(), scaled.width(), scaled.height());
    }

    /** The size {@code size} becomes; double arithmetic and rounding in detectron2's order, no side below one pixel. */
    public static ImageSize scaled(ImageSize size, int length, int maxSize) {
        double scale = (double) length / Math.min(size.width(), size.height());
        double width = size.height() < size.width() ? scale * size.width() : length;
        double height = size.height() < size.width() ? length : scale * size.height();
        double longer = Math.max(width, height);
        if (longer > maxSize) {
            double shrink = maxSize / longer;
            width *= shrink;
            height *= shrink;
        }
        return new ImageSize(Math.max(1, (int) (width + 0.5)), Math.max(1, (int) (height + 0.5)));
    }
}
