package org.sparsercnn.tensor;

import java.lang.foreign.MemorySegment;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Pointer;

/**
 * Data of one type on one device: a storage, and where the elements lie in it. Views share the storage. No mathematics here; that is
 * {@code op}'s.
 *
 * <p>Memory is counted, not collected: whoever creates a tensor holds it once, {@link #retain} and {@link #release} change
 * the count, and {@link Scope} does the bookkeeping for whole stretches of code.
 */
public final class Tensor implements Pointer {
    private final Storage storage;
    private final DType dtype;
    private final Shape shape;
    /** Element (i, j, …) lies at offset + i * strides[0] + j * strides[1] + …; null for row-major without gaps, as nearly all are. */
    private final long[] strides;
    private final long offset;

    private Tensor(Storage storage, DType dtype, Shape shape, long[] strides, long offset) {
        this.storage = storage;
        this.dtype = dtype;
        this.shape = shape;
        this.strides = strides;
        this.offset = offset;
    }

    /** A new dense tensor with undefined contents, held once by the caller. */
    public static Tensor allocate(Device device, DType dtype, Shape shape) {
        return new Tensor(new Storage(device, shape.elements() * dtype.bytes()), dtype, shape, null, 0);
    }

    /** A new fp32 tensor with these values in row-major order, held once by the caller. */
    public static Tensor of(Device device, float[] values, long... shape) {
        Tensor t = allocate(device, DType.F32, Shape.of(shape));
        t.set(values);
        return t;
    }

    public Device device() {
        return storage.device;
    }

    public DType dtype() {
        return dtype;
    }

    public Shape shape() {
        return shape;
    }

    /** Elements between neighbours along each axis. */
    public long[] strides() {
        return strides == null ? denseStrides() : strides.clone();
    }

    private long[] denseStrides() {
        long[] steps = new long[shape.rank()];
        long step = 1;
        for (int axis = steps.length - 1; axis >= 0; axis--) {
            steps[axis] = step;
            step *= shape.size(axis);
        }
        return steps;
    }

    public long size(int axis) {
        return shape.size(axis);
    }

    public long elements() {
        return shape.elements();
    }

    public long bytes() {
        return elements() * dtype.bytes();
    }

    /** Row-major, no gaps. */
    public boolean isDense() {
        long step = 1;
        for (int axis = shape.rank() - 1; strides != null && axis >= 0; axis--) {
            if (shape.size(axis) != 1 && strides[axis] != step) {
                return shape.elements() == 0;
            }
            step *= shape.size(axis);
        }
        return true;
    }

    /** Address of the first element. */
    @Override
    public long address() {
        return storage.address() + offset * dtype.bytes();
    }

    public Tensor retain() {
        storage.retain();
        return this;
    }

    public void release() {
        storage.release();
    }

    /** Whether nobody but one holder can see a change of its contents. */
    public boolean isHeldOnce() {
        return storage.isHeldOnce();
    }

    // Views: same storage, not held anew.

    /** The same elements in row-major order under another shape; this must be dense. */
    public Tensor reshape(long... sizes) {
        return reshape(Shape.of(sizes));
    }

    public Tensor reshape(Shape to) {
        if (!isDense() || to.elements() != elements()) {
            throw new IllegalArgumentException("reshape of " + this + " to " + to);
        }
        return new Tensor(storage, dtype, to, null, offset);
    }

    /** Elements [from, from + count) along {@code axis}. */
    public Tensor narrow(int axis, long from, long count) {
        if (from < 0 || count < 0 || from + count > shape.size(axis)) {
            throw new IllegalArgumentException("narrow(" + axis + ", " + from + ", " + count + ") of " + this);
        }
        long[] sizes = shape.toArray();
        sizes[axis] = count;
        if (strides == null && axis == 0) {
            return new Tensor(storage, dtype, Shape.of(sizes), null, offset + from * (elements() / Math.max(1, shape.size(0))));
        }
        long[] steps = strides();
        return new Tensor(storage, dtype, Shape.of(sizes), steps, offset + from * steps[axis]);
    }

    /** Axis i of the result is axis {@code axes[i]} of this. */
    public Tensor permute(int... axes) {
        long[] from = strides();
        long[] sizes = new long[axes.length];
        long[] steps = new long[axes.length];
        for (int i = 0; i < axes.length; i++) {
            sizes[i] = shape.size(axes[i]);
            steps[i] = from[axes[i]];
        }
        return new Tensor(storage, dtype, Shape.of(sizes), steps, offset);
    }

    // Host access; the tensor must be dense.

    public void set(float[] values) {
        check(DType.F32, values.length);
        storage.device.copyIn(MemorySegment.ofArray(values), this);
    }

    public void set(long[] values) {
        check(DType.I64, values.length);
        storage.device.copyIn(MemorySegment.ofArray(values), this);
    }

    public void set(int[] values) {
        check(DType.I32, values.length);
        storage.device.copyIn(MemorySegment.ofArray(values), this);
    }

    public void set(byte[] values) {
        check(DType.U8, values.length);
        storage.device.copyIn(MemorySegment.ofArray(values), this);
    }

    /** From raw bytes in the tensor's own type and row-major order. */
    public void set(MemorySegment values) {
        check(dtype, values.byteSize() / dtype.bytes());
        storage.device.copyIn(values, this);
    }

    public float[] toFloats() {
        float[] values = new float[Math.toIntExact(elements())];
        check(DType.F32, values.length);
        storage.device.copyOut(this, MemorySegment.ofArray(values));
        return values;
    }

    public int[] toInts() {
        int[] values = new int[Math.toIntExact(elements())];
        check(DType.I32, values.length);
        storage.device.copyOut(this, MemorySegment.ofArray(values));
        return values;
    }

    public long[] toLongs() {
        long[] values = new long[Math.toIntExact(elements())];
        check(DType.I64, values.length);
        storage.device.copyOut(this, MemorySegment.ofArray(values));
        return values;
    }

    /** The single value of a tensor with one element. */
    public float item() {
        return reshape(1).toFloats()[0];
    }

    public void zero() {
        check(dtype, elements());
        storage.device.zero(this, bytes());
    }

    /** Overwrites this with the elements of {@code from}, which has the same type and number of elements; both dense. */
    public void copyFrom(Tensor from) {
        check(from.dtype, from.elements());
        from.check(dtype, elements());
        storage.device.copy(from, this, bytes());
    }

    private void check(DType wanted, long count) {
        if (dtype != wanted || count != elements() || !isDense()) {
            throw new IllegalArgumentException(this + " accessed as " + count + " dense " + wanted);
        }
    }

    @Override
    public String toString() {
        return dtype + shape.toString() + (isDense() ? "" : " strided");
    }
}
