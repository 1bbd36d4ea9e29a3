package org.sparsercnn.testing;

import java.lang.foreign.MemorySegment;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** bf16, the upper half of an fp32 number, in Java: rounding to nearest, ties to even; NaN stays NaN. */
public final class Bf16 {
    private Bf16() {}

    public static short bits(float x) {
        int u = Float.floatToRawIntBits(x);
        return (short) (Float.isNaN(x) ? u >>> 16 | 0x40 : u + 0x7fff + (u >>> 16 & 1) >>> 16);
    }

    public static float value(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest bf16 number. */
    public static float round(double x) {
        return value(bits((float) x));
    }

    public static Array round(Array a) {
        Array rounded = a.copy();
        for (int i = 0; i < a.values().length; i++) {
            rounded.values()[i] = round(a.values()[i]);
        }
        return rounded;
    }

    /** A new BF16 tensor with these values rounded, held once by the caller. */
    public static Tensor tensor(Device device, float[] values, long... shape) {
        Tensor t = Tensor.allocate(device, DType.BF16, Shape.of(shape));
        t.set(MemorySegment.ofArray(narrow(values)));
        return t;
    }

    /** The values of a dense tensor, F32 or BF16. */
    public static float[] floats(Tensor t) {
        if (t.dtype() == DType.F32) {
            return t.toFloats();
        }
        if (t.dtype() != DType.BF16 || !t.isDense()) {
            throw new IllegalArgumentException(t + " as BF16");
        }
        short[] bits = new short[Math.toIntExact(t.elements())];
        t.device().copyOut(t, MemorySegment.ofArray(bits));
        return widen(bits);
    }

    public static float[] widen(short[] bits) {
        float[] values = new float[bits.length];
        for (int i = 0; i < bits.length; i++) {
            values[i] = value(bits[i]);
        }
        return values;
    }

    public static short[] narrow(float[] values) {
        short[] bits = new short[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = bits(values[i]);
        }
        return bits;
    }
}
