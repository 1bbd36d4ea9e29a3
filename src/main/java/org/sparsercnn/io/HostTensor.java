package org.sparsercnn.io;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A tensor as files hold it: C-contiguous, little-endian, on the host. {@code data} may be a slice of a mapped file, so
 * it is neither writable nor aligned by contract.
 *
 * @param shape sizes per dimension; empty for a scalar
 * @param data exactly {@code elements() * dtype.bytes()} bytes
 */
public record HostTensor(Dtype dtype, long[] shape, MemorySegment data) {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public HostTensor {
        long bytes = byteSize(dtype, shape);
        if (data.byteSize() != bytes) {
            throw new Malformed("a tensor " + dtype + Arrays.toString(shape) + " needs " + bytes + " bytes, but "
                    + data.byteSize() + " are there");
        }
    }

    public static HostTensor of(float[] values, long... shape) {
        MemorySegment data = Arena.ofAuto().allocate(4L * values.length, 64);
        MemorySegment.copy(values, 0, data, FLOAT, 0, values.length);
        return new HostTensor(Dtype.F32, shape, data);
    }

    public static HostTensor of(long[] values, long... shape) {
        MemorySegment data = Arena.ofAuto().allocate(8L * values.length, 64);
        MemorySegment.copy(values, 0, data, LONG, 0, values.length);
        return new HostTensor(Dtype.I64, shape, data);
    }

    /** Number of elements in {@code shape}; {@link Malformed} if a size is negative or the product overflows. */
    static long elements(long[] shape) {
        long n = 1;
        boolean empty = false;
        for (long size : shape) {
            if (size < 0) {
                throw new Malformed("negative size in the shape " + Arrays.toString(shape));
            }
            empty |= size == 0;
        }
        if (empty) {
            return 0;
        }
        for (long size : shape) {
            if (Math.multiplyHigh(n, size) != 0 || n * size < 0) {
                throw new Malformed("the shape " + Arrays.toString(shape) + " is larger than any memory");
            }
            n *= size;
        }
        return n;
    }

    /** Bytes that a tensor takes, checked like {@link #elements(long[])}. */
    static long byteSize(Dtype dtype, long[] shape) {
        long n = elements(shape);
        if (n > Long.MAX_VALUE / dtype.bytes()) {
            throw new Malformed("the shape " + Arrays.toString(shape) + " is larger than any memory");
        }
        return n * dtype.bytes();
    }

    public long elements() {
        return data.byteSize() / dtype.bytes();
    }

    /** Element {@code i} in C order, as a double; exact but for I64 beyond 2^53. */
    public double at(long i) {
        return switch (dtype) {
            case F64 -> data.get(DOUBLE, i * 8);
            case F32 -> data.get(FLOAT, i * 4);
            case F16 -> Float.float16ToFloat(data.get(SHORT, i * 2));
            case BF16 -> Float.intBitsToFloat(data.get(SHORT, i * 2) << 16);
            case I64 -> data.get(LONG, i * 8);
            case I32 -> data.get(INT, i * 4);
            case I16 -> data.get(SHORT, i * 2);
            case I8 -> data.get(ValueLayout.JAVA_BYTE, i);
            case U8 -> data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
            case BOOL -> data.get(ValueLayout.JAVA_BYTE, i) == 0 ? 0 : 1;
        };
    }

    /** All elements in C order, rounded to the nearest float where the type is wider. */
    public float[] toFloats() {
        long n = elements();
        if (n > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("too large for one Java array: " + this);
        }
        float[] out = new float[(int) n];
        if (dtype == Dtype.F32) {
            MemorySegment.copy(data, FLOAT, 0, out, 0, out.length);
            return out;
        }
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) at(i);
        }
        return out;
    }

    /** This tensor as F32, itself if it is that already. */
    public HostTensor toF32() {
        return dtype == Dtype.F32 ? this : of(toFloats(), shape);
    }

    /** For messages and tables: {@code F32[4, 3, 7, 7]}. */
    @Override
    public String toString() {
        return dtype + Arrays.toString(shape);
    }
}
