package org.sparsercnn.tensor;

import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;

/**
 * Holds the tensors made in a stretch of code and lets go of them at its end. A tensor that outlives the scope is
 * {@linkplain #moveTo handed} to the enclosing one, or retained by whoever needs it.
 */
public final class Scope implements AutoCloseable {
    private final Device device;
    private final List<Tensor> held = new ArrayList<>();

    public Scope(Device device) {
        this.device = device;
    }

    public Device device() {
        return device;
    }

    /** A new fp32 tensor with undefined contents. */
    public Tensor empty(Shape shape) {
        return empty(DType.F32, shape);
    }

    public Tensor empty(DType dtype, Shape shape) {
        return hold(Tensor.allocate(device, dtype, shape));
    }

    /** Takes over one hold on {@code t}. */
    public Tensor hold(Tensor t) {
        held.add(t);
        return t;
    }

    /** Hands {@code t} to {@code outer}, which keeps its memory after this scope is closed. */
    public Tensor moveTo(Scope outer, Tensor t) {
        return outer.hold(t.retain());
    }

    /** Lets go of all; the scope may be used again. */
    @Override
    public void close() {
        held.forEach(Tensor::release);
        held.clear();
    }
}
