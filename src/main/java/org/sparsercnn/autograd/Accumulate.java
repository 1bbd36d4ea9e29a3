package org.sparsercnn.autograd;

import org.sparsercnn.tensor.Tensor;

/** The sum of two gradients as a new tensor. The op package supplies it, so that autograd needs no mathematics. */
@FunctionalInterface
public interface Accumulate {
    Tensor add(Tensor a, Tensor b);
}
