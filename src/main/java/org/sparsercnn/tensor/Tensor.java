package org.sparsercnn.tensor;

import java.lang.foreign.MemorySegment;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Pointer;

/**
 * Data of one type on one device: a storage and a layout. Views share the storage. No mathematics here; that is
 * {@code op}'s.
 *
 * <p>Memory is counted, not collected: whoever creates a tensor holds it once, {@link #retain} and {@link #release} change
 * the count, and {@link Scope} does the bookkeeping for whole stretches of code.
 */
public final class Tensor implements Pointer {
    private final Storage storage;
    private final DType dtype;
    private final Layout layout;

    private Tensor(Storage storage, DType dtype, Layout layout) {
        this.storage = storage;
        this.dtype = dtype;
        this.layout = layout;
    }

    /** A new dense tensor with undefined contents, held once by the caller. */
    public static Tensor allocate(Device device, DType dtype, Shape shape) {
        return new Tensor(new Storage(device, shape.elements() * dtype.bytes()), dtype, Layout.dense(shape, 0));
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
        return layout.shape();
    }

    public Layout layout() {
        return layout;
    }

    public long size(int axis) {
        return shape().size(axis);
    }

    public long elements() {
        return shape().elements();
    }

    public long bytes() {
        return elements() * dtype.bytes();
    }

    public boolean isDense() {
        return layout.isDense();
    }

    /** Address of the first element. */
    @Override
    public long address() {
        return storage.address() + layout.offset() * dtype.bytes();
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

    public Tensor reshape(Shape shape) {
        if (!isDense() || shape.elements() != elements()) {
            throw new IllegalArgumentException("reshape of " + this + " to " + shape);
        }
        return new Tensor(storage, dtype, Layout.dense(shape, layout.offset()));
    }

    public Tensor narrow(int axis, long from, long count) {
        return new Tensor(storage, dtype, layout.narrow(axis, from, count));
    }

    public Tensor permute(int... axes) {
        return new Tensor(storage, dtype, layout.permute(axes));
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
        return dtype + shape().toString() + (isDense() ? "" : " strided");
    }
}
