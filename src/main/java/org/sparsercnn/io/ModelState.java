package org.sparsercnn.io;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.nn.Parameters;

/** Between a model's parameters on their device and named tensors on the host, in the published layout. */
public final class ModelState {
    private ModelState() {}

    /** Names and published shapes, for {@link WeightsMatcher}. */
    public static SequencedMap<String, long[]> shapes(Parameters parameters) {
        SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
        parameters.all().forEach(p -> shapes.put(p.name(), p.publishedShape()));
        return shapes;
    }

    public static StateDict export(Parameters parameters) {
        StateDict state = new StateDict();
        parameters.all().forEach(p -> state.put(p.name(), HostTensor.of(p.published(), p.publishedShape())));
        return state;
    }

    /** Copies what was matched into the model. */
    public static void load(WeightsMatch match, Parameters parameters) {
        match.loaded().forEach((name, tensor) -> parameters.get(name).setPublished(tensor.toFloats()));
    }

    /** Optimiser tensors are named {@code <parameter>/<slot>} and laid out like their parameter. */
    public static HostTensor exportSlot(Parameter p, float[] values) {
        return HostTensor.of(p.publishedOrder(values), p.publishedShape());
    }
}
