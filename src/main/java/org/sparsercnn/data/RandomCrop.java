package org.sparsercnn.data;

import org.sparsercnn.util.BadInput;
import org.sparsercnn.util.CounterRandom;

/**
 * Cuts out a part of random place and, by its type, random size (detectron2's RandomCrop). {@code first} and
 * {@code second} are INPUT.CROP.SIZE: height and width, except for {@link Type#ABSOLUTE_RANGE}.
 */
public record RandomCrop(Type type, double first, double second) implements Augmentation {
    /** What the two numbers mean. */
    public enum Type {
        /** Fractions of the picture's height and width. */
        RELATIVE,
        /** The smallest such fractions; the drawn ones lie between them and 1. */
        RELATIVE_RANGE,
        /** Pixels, or the whole side where that is shorter. */
        ABSOLUTE,
        /** The lower and upper bound in pixels, for either side; or the whole side where that is shorter. */
        ABSOLUTE_RANGE
    }

    public RandomCrop {
        boolean fits = switch (type) {
            case RELATIVE, RELATIVE_RANGE -> first > 0 && first <= 1 && second > 0 && second <= 1;
            case ABSOLUTE -> isPixels(first) && isPixels(second);
            case ABSOLUTE_RANGE -> isPixels(first) && isPixels(second) && first <= second;
        };
        if (!fits) {
            throw BadInput.of("INPUT.CROP.SIZE is (%s, %s), but INPUT.CROP.TYPE '%s' needs %s", first, second,
                    type.name().toLowerCase(java.util.Locale.ROOT), switch (type) {
                        case RELATIVE, RELATIVE_RANGE -> "two fractions above 0, at most 1";
                        case ABSOLUTE -> "two whole numbers of pixels, at least 1";
                        case ABSOLUTE_RANGE -> "two whole numbers of pixels, the lower bound first";
                    });
        }
    }

    @Override
    public Transform draw(ImageSize size, CounterRandom random) {
        int height = side(size.height(), first, random);
        int width = side(size.width(), second, random);
        int y0 = random.nextInt(size.height() - height + 1);
        int x0 = random.nextInt(size.width() - width + 1);
        return new Transform.Crop(x0, y0, width, height);
    }

    private int side(int whole, double wanted, CounterRandom random) {
        int length = switch (type) {
            case RELATIVE -> (int) (whole * wanted + 0.5);
            case RELATIVE_RANGE -> (int) (whole * (wanted + random.nextDouble() * (1 - wanted)) + 0.5);
            case ABSOLUTE -> Math.min(whole, (int) wanted);
            case ABSOLUTE_RANGE -> random.nextIntInclusive(Math.min(whole, (int) first), Math.min(whole, (int) second));
        };
        return Math.max(1, length);
    }

    private static boolean isPixels(double value) {
        return value >= 1 && value == Math.rint(value) && value <= Integer.MAX_VALUE;
    }
}
