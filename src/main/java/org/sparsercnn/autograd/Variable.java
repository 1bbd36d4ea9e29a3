package org.sparsercnn.autograd;

import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * A tensor that gradients may flow to. Leaves (parameters, inputs under test) keep their gradient until it is
 * {@linkplain #clearGradient cleared}; for the rest it exists only while backward passes by.
 */
public final class Variable {
    private final Tensor value;
    private final boolean requiresGrad;
    private final boolean leaf;
    private Tensor grad;
    /** Recorded uses that backward has not reached yet. */
    private int pendingUses;

    Variable(Tensor value, boolean requiresGrad, boolean leaf) {
        this.value = value;
        this.requiresGrad = requiresGrad;
        this.leaf = leaf;
    }

    /** A leaf that gathers a gradient. */
    public static Variable leaf(Tensor value) {
        return new Variable(value, true, true);
    }

    /** A value no gradient flows to. */
    public static Variable constant(Tensor value) {
        return new Variable(value, false, true);
    }

    public Tensor value() {
        return value;
    }

    public Shape shape() {
        return value.shape();
    }

    public boolean requiresGrad() {
        return requiresGrad;
    }

    boolean isLeaf() {
        return leaf;
    }

    /** d loss / d value, or null before backward or when no path led here. */
    public Tensor grad() {
        return grad;
    }

    /** The same value, cut off from the tape. */
    public Variable detach() {
        return constant(value);
    }

    public void clearGradient() {
        if (grad != null) {
            grad.release();
            grad = null;
        }
    }

    /** Sets the gradient to zeros, where nothing led here. */
    public void zeroGradient() {
        clearGradient();
        grad = Tensor.allocate(value.device(), value.dtype(), value.shape());
        grad.zero();
    }

    /** Makes {@code g}, of the value's shape and type, the gradient in place of what was there; holds it anew. */
    public void replaceGradient(Tensor g) {
        if (!g.shape().equals(value.shape()) || g.dtype() != value.dtype()) {
            throw new IllegalArgumentException("gradient " + g + " for a value " + value);
        }
        g.retain();
        clearGradient();
        grad = g;
    }

    /** Takes over one hold on {@code g}. */
    void takeGradient(Tensor g) {
        grad = g;
    }

    void use() {
        pendingUses++;
    }

    /** True when this was the last use. */
    boolean used() {
        return --pendingUses == 0;
    }
}
