package org.sparsercnn.data.convert;

import java.util.List;
import java.util.Optional;
import org.sparsercnn.data.ImageSize;

/** COCO's box, in pixels of the upright image: left and upper edge, width and height. */
record Box(Number x, Number y, Number width, Number height) {
    /** Overhang up to here is rounding and not worth a report; as much as reading COCO annotations lets pass. */
    private static final double ROUNDING_PX = 0.5;

    static Box of(List<Number> xywh) {
        return new Box(xywh.get(0), xywh.get(1), xywh.get(2), xywh.get(3));
    }

    /**
     * The box between two corners, cut to its image.
     *
     * @param place where it stands, for the findings
     * @return empty, with a finding, if there is no box
     */
    static Optional<Box> between(double left, double top, double right, double bottom, ImageSize image, String place, Findings findings) {
        if (right <= left || bottom <= top) {
            findings.add(Finding.BAD_BOX, "%s: from (%s, %s) to (%s, %s), in pixels from 0, there is nothing", place, text(left), text(top), text(right), text(bottom));
            return Optional.empty();
        }
        double x1 = Math.max(left, 0);
        double y1 = Math.max(top, 0);
        double x2 = Math.min(right, image.width());
        double y2 = Math.min(bottom, image.height());
        Number width = Numbers.tidy(x2 - x1);
        Number height = Numbers.tidy(y2 - y1);
        if (width.doubleValue() <= 0 || height.doubleValue() <= 0) {
            findings.add(Finding.BAD_BOX, "%s: from (%s, %s) to (%s, %s), in pixels from 0, lies outside the image of %s", place, text(left), text(top),
                    text(right), text(bottom), image);
            return Optional.empty();
        }
        double overhang = Math.max(Math.max(-left, -top), Math.max(right - image.width(), bottom - image.height()));
        if (overhang > ROUNDING_PX) {
            findings.add(Finding.CLIPPED, "%s: from (%s, %s) to (%s, %s), in pixels from 0, in an image of %s", place, text(left), text(top), text(right),
                    text(bottom), image);
        }
        return Optional.of(new Box(Numbers.tidy(x1), Numbers.tidy(y1), width, height));
    }

    private static String text(double px) {
        return Numbers.text(Numbers.tidy(px));
    }

    Number area() {
        return Numbers.product(width, height);
    }

    List<Number> xywh() {
        return List.of(x, y, width, height);
    }
}
