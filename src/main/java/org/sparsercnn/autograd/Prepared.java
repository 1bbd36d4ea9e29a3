package org.sparsercnn.autograd;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.sparsercnn.tensor.Tensor;

/**
 * What inference makes once from a model's weights and uses in every pass: weights with a frozen norm folded in, converted to
 * another type. Whoever changes the weights closes it and begins anew.
 */
public final class Prepared implements AutoCloseable {
    private final Map<Tensor, Tensor> made = new IdentityHashMap<>();

    /** The tensor made from {@code weight}, by {@code make} at the first call; one thing is made of a weight. */
    Tensor get(Tensor weight, Supplier<Tensor> make) {
        Tensor known = made.get(weight);
        if (known == null) {
            known = make.get().retain();
            made.put(weight, known);
        }
        return known;
    }

    @Override
    public void close() {
        made.values().forEach(Tensor::release);
        made.clear();
    }
}
