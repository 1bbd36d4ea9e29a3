package org.sparsercnn.data.sampleset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * What stands where in one sample picture: 1–5 objects of uniform class and rotation, {@link #SMALL_SHARE} of them small,
 * about a fifth partly over or under another one. Boxes of the others do not touch. An overlap covers at most
 * {@link #MOST_HIDDEN} of the smaller object, so every object can be told.
 */
final class Layout {
    /** Lengths below are for a picture of this side and grow with it. */
    static final int NOMINAL_SIZE = 128;

    /** "Small" is COCO's small, a box of less than 32 x 32 pixels, in a picture of {@link #NOMINAL_SIZE}. */
    static final double SMALL_SIDE = 32;

    static final int MOST_OBJECTS = 5;
    static final double SMALL_SHARE = 0.20;
    static final double LEAST_HIDDEN = 0.06;
    static final double MOST_HIDDEN = 0.40;

    /** Chance that an object after the first is put on an earlier one; gives a fifth of all objects in such pairs. */
    private static final double PAIR_CHANCE = 0.155;

    /** Largest side by number of objects: with more of them, smaller ones, or there would be no room. */
    private static final double[] LARGEST_SIDE = {92, 70, 58, 52, 47};

    private static final int TRIES = 60;

    /** One object; {@code outline} is the whole of it, hidden parts included, and lies inside the picture. */
    record Placed(Shape shape, Polygon outline) {
        double area() {
            return (outline.right() - outline.left()) * (outline.bottom() - outline.top());
        }

        boolean boxTouches(Placed other, double margin) {
            return outline.left() < other.outline.right() + margin
                    && other.outline.left() < outline.right() + margin
                    && outline.top() < other.outline.bottom() + margin
                    && other.outline.top() < outline.bottom() + margin;
        }

        /** The pixels of which at least half is covered, as bits y * size + x. */
        BitSet mask(int size) {
            BitSet bits = new BitSet(size * size);
            outline.cover(size, size, (x, y, coverage) -> {
                if (coverage >= 0.5f) {
                    bits.set(y * size + x);
                }
            });
            return bits;
        }
    }

    private final int size;
    private final double scale;
    private final SplitMix64 random;

    private Layout(int size, SplitMix64 random) {
        this.size = size;
        this.scale = (double) size / NOMINAL_SIZE;
        this.random = random;
    }

    /** The objects of a picture in painting order: a later one covers an earlier one. */
    static List<Placed> draw(int size, SplitMix64 random) {
        Layout layout = new Layout(size, random);
        int objects = 1 + random.below(MOST_OBJECTS);
        // Drawn once and kept while places are sought, or crowded plans would be rarer than they should be.
        int small = 0;
        boolean[] paired = new boolean[objects];
        for (int i = 0; i < objects; i++) {
            small += random.chance(SMALL_SHARE) ? 1 : 0;
            paired[i] = i > 0 && random.chance(PAIR_CHANCE);
        }
        while (true) {
            List<Placed> placed = layout.attempt(small, paired);
            if (placed.size() == objects) {
                return placed;
            }
        }
    }

    /** Places objects in order of size, the largest first as it needs the most room; stops where one finds none. */
    private List<Placed> attempt(int small, boolean[] paired) {
        int objects = paired.length;
        double[] sides = new double[objects];
        for (int i = 0; i < objects; i++) {
            sides[i] = i < small
                    ? random.between(15, 0.97 * SMALL_SIDE)
                    : random.between(1.04 * SMALL_SIDE, LARGEST_SIDE[objects - 1]);
        }
        Arrays.sort(sides);
        List<Placed> placed = new ArrayList<>();
        List<Placed> alone = new ArrayList<>();
        for (int i = 0; i < objects; i++) {
            boolean pair = paired[i] && !alone.isEmpty();
            Placed under = pair ? alone.remove(random.below(alone.size())) : null;
            Placed next = find(sides[objects - 1 - i] * scale, under, placed);
            if (next == null) {
                return placed;
            }
            placed.add(next);
            if (!pair) {
                alone.add(next);
            }
        }
        return placed;
    }

    /** An object with room in the picture: over {@code under} if that is given, and away from all others; null if none. */
    private Placed find(double side, Placed under, List<Placed> placed) {
        Shape shape = Shape.values()[random.below(Shape.values().length)];
        Polygon outline = turned(shape, side);
        double width = outline.right() - outline.left();
        double height = outline.bottom() - outline.top();
        for (int i = 0; i < TRIES; i++) {
            double left = random.between(1, size - 1 - width);
            double top = random.between(1, size - 1 - height);
            Placed candidate = new Placed(shape, outline.moved(left - outline.left(), top - outline.top()));
            boolean free = placed.stream().allMatch(p -> p == under || !candidate.boxTouches(p, 2 * scale));
            if (free && (under == null || overlapsWell(candidate, under))) {
                return candidate;
            }
        }
        return null;
    }

    private boolean overlapsWell(Placed over, Placed under) {
        if (!over.boxTouches(under, 0)) {
            return false;
        }
        BitSet a = over.mask(size);
        BitSet b = under.mask(size);
        int smaller = Math.min(a.cardinality(), b.cardinality());
        a.and(b);
        double hidden = (double) a.cardinality() / smaller;
        return hidden >= LEAST_HIDDEN && hidden <= MOST_HIDDEN;
    }

    /** The shape turned and stretched a little, its box of area {@code side}². */
    private Polygon turned(Shape shape, double side) {
        double[] turn = random.direction();
        double stretch = random.between(0.88, 1.14);
        Polygon drawn =
                shape.outline().transformed(turn[0] * stretch, -turn[1], turn[1] * stretch, turn[0], 0, 0);
        double grow = side / Math.sqrt((drawn.right() - drawn.left()) * (drawn.bottom() - drawn.top()));
        return drawn.transformed(grow, 0, 0, grow, 0, 0);
    }
}
