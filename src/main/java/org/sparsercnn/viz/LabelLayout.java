package org.sparsercnn.viz;

import java.awt.Rectangle;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds a place for each label: inside the picture always, beside or in its box, not over another label where that can be
 * had, and rather not over a small object. Greedy, in the order the labels come (best score first), so the surest
 * detections get the best places.
 */
final class LabelLayout {
    private final int width;
    private final int height;
    private final List<Rectangle> boxes;
    private final List<Rectangle> placed = new ArrayList<>();

    /** {@code boxes} are all that the picture shows. */
    LabelLayout(int pictureWidth, int pictureHeight, List<Rectangle> boxes) {
        this.width = pictureWidth;
        this.height = pictureHeight;
        this.boxes = boxes;
    }

    /** The place of a {@code w} x {@code h} label of {@code box}, chosen among places ever less usual. */
    Rectangle place(Rectangle box, int w, int h) {
        List<Rectangle> small = boxes.stream().filter(b -> area(b) < 4L * w * h).toList();
        Rectangle best = null;
        long lowest = Long.MAX_VALUE;
        int step = 0;
        for (Rectangle candidate : candidates(box, w, h)) {
            // A covered label is worst, then a covered object, then a place far down the list.
            long cost = 20 * covered(candidate, placed) + 2 * covered(candidate, small) + (long) w * h / 12 * step++;
            if (cost < lowest) {
                best = candidate;
                lowest = cost;
            }
        }
        placed.add(best);
        return best;
    }

    private List<Rectangle> candidates(Rectangle box, int w, int h) {
        int left = box.x;
        int right = box.x + box.width - w;
        int above = box.y - h;
        int below = box.y + box.height;
        List<Rectangle> places = new ArrayList<>();
        if (above >= 0) { // a label pushed down from above the picture would be the one inside
            add(places, left, above, w, h);
        }
        add(places, left, box.y, w, h);
        if (below + h <= height) {
            add(places, left, below, w, h);
        }
        if (above >= 0) {
            add(places, right, above, w, h);
        }
        add(places, right, box.y, w, h);
        add(places, left, below - h, w, h);
        add(places, right, below - h, w, h);
        for (int step = 1; step <= 6; step++) { // then the rows above and below, near the box
            add(places, left, above - step * h, w, h);
            add(places, left, box.y + step * h, w, h);
            add(places, left, below + step * h, w, h);
        }
        return places;
    }

    private void add(List<Rectangle> places, int x, int y, int w, int h) {
        places.add(new Rectangle(Math.clamp(x, 0, Math.max(0, width - w)), Math.clamp(y, 0, Math.max(0, height - h)), w, h));
    }

    private static long covered(Rectangle candidate, List<Rectangle> others) {
        long sum = 0;
        for (Rectangle other : others) {
            Rectangle common = candidate.intersection(other);
            sum += common.isEmpty() ? 0 : area(common);
        }
        return sum;
    }

    private static long area(Rectangle r) {
        return (long) r.width * r.height;
    }
}
