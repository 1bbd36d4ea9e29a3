package org.sparsercnn.autograd;

import org.sparsercnn.tensor.Tensor;

/** The backward pass of one recorded op. */
@FunctionalInterface
public interface Backward {
    /**
     * @param dy gradient of the output, dense, same shape
     * @return the gradient of each input in order, same shapes; null where {@link Variable#requiresGrad} is false, and where it
     *     was added to {@link Variable#grad} in place, which only a gradient {@linkplain Tensor#isHeldOnce held once} allows
     */
    Tensor[] apply(Tensor dy);
}
