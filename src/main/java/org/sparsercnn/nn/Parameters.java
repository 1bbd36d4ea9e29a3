package org.sparsercnn.nn;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * All parameters and buffers of one model by published name, in the order they were declared. Layers declare theirs through
 * a {@link Path}, so a name is spelled where the layer is built and nowhere else.
 */
public final class Parameters implements AutoCloseable {
    private final Device device;
    private final Map<String, Parameter> byName = new LinkedHashMap<>();

    public Parameters(Device device) {
        this.device = device;
    }

    /** A place in the tree of names. */
    public record Path(Parameters owner, String prefix) {
        public Path at(String child) {
            return new Path(owner, prefix + child + ".");
        }

        public Path at(int index) {
            return at(Integer.toString(index));
        }

        public Parameter weight(String name, long... shape) {
            return owner.declare(prefix + name, Parameter.Kind.WEIGHT, false, shape);
        }

        /** A convolution's weight; shape in memory is (co, k, k, ci). */
        public Parameter convWeight(String name, long co, long ci, long k) {
            return owner.declare(prefix + name, Parameter.Kind.CONV_WEIGHT, false, co, k, k, ci);
        }

        public Parameter buffer(String name, long... shape) {
            return owner.declare(prefix + name, Parameter.Kind.BUFFER, false, shape);
        }

        /** A buffer that passes of training change. */
        public Parameter runningStatistic(String name, long... shape) {
            return owner.declare(prefix + name, Parameter.Kind.BUFFER, true, shape);
        }
    }

    public Path root() {
        return new Path(this, "");
    }

    private Parameter declare(String name, Parameter.Kind kind, boolean statistic, long... shape) {
        Tensor value = Tensor.allocate(device, DType.F32, Shape.of(shape));
        value.zero();
        Parameter p = new Parameter(this, name, kind, statistic, value);
        if (byName.put(name, p) != null) {
            throw new IllegalStateException("parameter declared twice: " + name);
        }
        return p;
    }

    public Device device() {
        return device;
    }

    public Collection<Parameter> all() {
        return Collections.unmodifiableCollection(byName.values());
    }

    /** Those that gradients change. */
    public List<Parameter> trainable() {
        return byName.values().stream().filter(Parameter::trainable).toList();
    }

    /** Running statistics of batch norms in training: mean and variance of one layer after the other. */
    public List<Parameter> runningStatistics() {
        return byName.values().stream().filter(Parameter::isRunningStatistic).toList();
    }

    /** The parameter of that name; null where there is none. */
    public Parameter get(String name) {
        return byName.get(name);
    }

    public void clearGradients() {
        byName.values().forEach(p -> p.variable().clearGradient());
    }

    /** Number of values in parameters (buffers not counted). */
    public long count() {
        return byName.values().stream().filter(p -> p.kind() != Parameter.Kind.BUFFER).mapToLong(p -> p.value().elements()).sum();
    }

    @Override
    public void close() {
        clearGradients();
        byName.values().forEach(p -> p.value().release());
        byName.clear();
    }
}
