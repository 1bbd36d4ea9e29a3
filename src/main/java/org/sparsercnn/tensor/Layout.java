package org.sparsercnn.tensor;

/** Where the elements of a view lie in its storage: element (i, j, …) at {@code offset + i * strides[0] + j * strides[1] + …}. */
public record Layout(Shape shape, long[] strides, long offset) {
    /** Row-major, no gaps. */
    public static Layout dense(Shape shape, long offset) {
        long[] strides = new long[shape.rank()];
        long step = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            strides[axis] = step;
            step *= shape.size(axis);
        }
        return new Layout(shape, strides, offset);
    }

    public boolean isDense() {
        long step = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            if (shape.size(axis) != 1 && strides[axis] != step) {
                return shape.elements() == 0;
            }
            step *= shape.size(axis);
        }
        return true;
    }

    /** Elements [from, from + count) along {@code axis}. */
    public Layout narrow(int axis, long from, long count) {
        if (from < 0 || count < 0 || from + count > shape.size(axis)) {
            throw new IllegalArgumentException("narrow(" + axis + ", " + from + ", " + count + ") of " + shape);
        }
        long[] sizes = shape.toArray();
        sizes[axis] = count;
        return new Layout(Shape.of(sizes), strides, offset + from * strides[axis]);
    }

    /** Axis i of the result is axis {@code axes[i]} of this. */
    public Layout permute(int... axes) {
        long[] sizes = new long[axes.length];
        long[] steps = new long[axes.length];
        for (int i = 0; i < axes.length; i++) {
            sizes[i] = shape.size(axes[i]);
            steps[i] = strides[axes[i]];
        }
        return new Layout(Shape.of(sizes), steps, offset);
    }
}
