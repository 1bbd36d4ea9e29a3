package org.sparsercnn.optim;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.sparsercnn.autograd.Tape;
import org.sparsercnn.autograd.Variable;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Rng;
import org.sparsercnn.op.Add;
import org.sparsercnn.tensor.Tensor;
import org.sparsercnn.testing.Array;

/** Parameters on a device and an optimiser over them, fed with given gradients. */
final class Workbench implements AutoCloseable {
    private final Device device;
    private final Map<String, Variable> params = new LinkedHashMap<>();
    final Optimizer optimizer;

    Workbench(Device device, Map<String, Array> values, double weightDecay, Function<List<Param>, Optimizer> optimizer) {
        this.device = device;
        values.forEach((name, a) -> params.put(name, Variable.leaf(Tensor.of(device, a.floats(), a.shape()))));
        this.optimizer = optimizer.apply(Param.published(params, weightDecay, 0.5));
    }

    /** One step; parameters without an entry get no gradient. */
    void step(double lr, Map<String, Array> gradients, float loss) {
        try (Tape tape = Tape.training(device, new Rng(1))) {
            gradients.forEach((name, g) -> tape.backward(List.of(params.get(name)),
                    List.of(tape.scope().hold(Tensor.of(device, g.floats(), g.shape()))), (a, b) -> Add.sum(tape, a, b), _ -> {}));
            Tensor total = tape.empty();
            total.set(new float[] {loss});
            optimizer.step(lr, total);
            optimizer.clearGradients();
        }
    }

    float[] value(String name) {
        return params.get(name).value().toFloats();
    }

    float[] state(String name) {
        return optimizer.state().get(name).toFloats();
    }

    long steps() {
        return optimizer.state().get("step").toLongs()[0];
    }

    @Override
    public void close() {
        optimizer.close();
        params.values().forEach(p -> p.value().release());
    }
}
