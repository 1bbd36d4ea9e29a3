package org.sparsercnn.testing;

import java.util.Arrays;
import java.util.Random;
import org.sparsercnn.tensor.Shape;

/** A dense float64 array with a shape: what references compute on. */
public record Array(double[] values, long... shape) {
    public Array {
        if (values.length != Shape.of(shape).elements()) {
            throw new IllegalArgumentException(values.length + " values for " + Arrays.toString(shape));
        }
    }

    public static Array zeros(long... shape) {
        return new Array(new double[Math.toIntExact(Shape.of(shape).elements())], shape);
    }

    /** Standard normal values that are exact in fp32. */
    public static Array normal(Random random, long... shape) {
        Array a = zeros(shape);
        Arrays.setAll(a.values, _ -> (float) random.nextGaussian());
        return a;
    }

    /** Uniform in [low, high), exact in fp32. */
    public static Array uniform(Random random, double low, double high, long... shape) {
        Array a = zeros(shape);
        Arrays.setAll(a.values, _ -> (float) (low + (high - low) * random.nextDouble()));
        return a;
    }

    public int size(int axis) {
        return (int) shape[axis < 0 ? shape.length + axis : axis];
    }

    public float[] floats() {
        float[] f = new float[values.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) values[i];
        }
        return f;
    }

    public Array copy() {
        return new Array(values.clone(), shape);
    }
}
