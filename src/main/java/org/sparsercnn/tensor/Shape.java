package org.sparsercnn.tensor;

import java.util.Arrays;

/** Sizes along each axis, outermost first; an axis may have size 0, and a scalar has no axes. */
public final class Shape {
    private final long[] sizes;

    private Shape(long[] sizes) {
        this.sizes = sizes;
    }

    /** @param sizes are the shape's own from now on */
    public static Shape of(long... sizes) {
        for (long s : sizes) {
            if (s < 0) {
                throw new IllegalArgumentException("negative size in shape " + Arrays.toString(sizes));
            }
        }
        return new Shape(sizes);
    }

    public int rank() {
        return sizes.length;
    }

    /** Size of an axis; -1 is the last one. */
    public long size(int axis) {
        return sizes[axis < 0 ? axis + sizes.length : axis];
    }

    public long elements() {
        long n = 1;
        for (long s : sizes) {
            n *= s;
        }
        return n;
    }

    public long[] toArray() {
        return sizes.clone();
    }

    /** Product of all axes but the last: the rows of the tensor seen as a matrix. */
    public long rows() {
        return size(-1) == 0 ? Arrays.stream(sizes, 0, sizes.length - 1).reduce(1, (a, b) -> a * b) : elements() / size(-1);
    }

    /** The same shape with another last axis. */
    public Shape withLast(long size) {
        long[] copy = sizes.clone();
        copy[copy.length - 1] = size;
        return new Shape(copy);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Shape s && Arrays.equals(sizes, s.sizes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(sizes);
    }

    @Override
    public String toString() {
        return Arrays.toString(sizes).replace('[', '(').replace(']', ')');
    }
}
