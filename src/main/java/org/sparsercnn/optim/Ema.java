package org.sparsercnn.optim;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.nn.Parameter;
import org.sparsercnn.nn.Parameters;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Exponential moving averages of what training changes: of the weights, and of the running statistics of batch norms. After the
 * n-th update {@code average = d average + (1 - d) value} with {@code d = min(decay, (1 + n) / (10 + n))}. A step that was
 * skipped changes nothing, and nothing here waits for the device.
 */
public final class Ema implements AutoCloseable {
    private static final Kernel UPDATE = Kernel.of("ema_update_f32", "averaged parts stats step decay");
    private static final Kernel SWAP = Kernel.of("ema_swap_f32", "averaged parts");

    /** While it is open, the model's values are the averages. */
    public interface InPlace extends AutoCloseable {
        /** Puts the values back, bit for bit. */
        @Override
        void close();
    }

    private final Scope scope;
    private final double decay;
    private final List<Parameter> followed;
    private final Map<String, Tensor> averages = new LinkedHashMap<>();
    private final Parts parts;
    private final Tensor table;
    private boolean started;
    private boolean swapped;

    /** @param decay share of the old average in the new one, in [0, 1) */
    public Ema(Parameters parameters, double decay) {
        this.scope = new Scope(parameters.device());
        this.decay = decay;
        this.followed = parameters.all().stream().filter(Parameter::changesInTraining).toList();
        long[] rows = new long[2 * followed.size()];
        for (int i = 0; i < followed.size(); i++) {
            Parameter p = followed.get(i);
            Tensor average = scope.empty(p.value().shape());
            averages.put(p.name(), average);
            rows[2 * i] = average.address();
            rows[2 * i + 1] = p.value().address();
        }
        parts = new Parts(scope, followed.stream().mapToLong(p -> p.value().elements()).toArray());
        table = scope.empty(DType.I64, Shape.of(followed.size(), 2));
        table.set(rows);
    }

    /** Begins with the values as they are. */
    public void start() {
        for (Parameter p : followed) {
            averages.get(p.name()).copyFrom(p.value());
        }
        started = true;
    }

    /** Begins with the contents of {@link #state} as they are. */
    public void resume() {
        started = true;
    }

    /** Whether there are averages to follow on with. */
    public boolean started() {
        return started;
    }

    /** Takes the values after {@code optimizer}'s last step in, unless that was skipped. */
    public void update(Optimizer optimizer) {
        requireInPlace();
        scope.device().kernel(UPDATE).ptr(table).ptr(parts.table()).ptr(optimizer.stats()).ptr(optimizer.updates()).f64(decay)
                .overRows(parts.count());
    }

    /** Averages and values change places, in the same memory, until the result is closed. */
    public InPlace swap() {
        requireInPlace();
        swapped = true;
        exchange();
        return () -> {
            if (swapped) {
                swapped = false;
                exchange();
            }
        };
    }

    private void exchange() {
        scope.device().kernel(SWAP).ptr(table).ptr(parts.table()).overRows(parts.count());
    }

    private void requireInPlace() {
        if (!started || swapped) {
            throw new IllegalStateException(started ? "the averages have changed places with the values" : "the averages have not begun");
        }
    }

    /** The averages by parameter name, each of its parameter's shape, for checkpoints. To load, overwrite them. */
    public Map<String, Tensor> state() {
        if (swapped) {
            requireInPlace();
        }
        return Collections.unmodifiableMap(averages);
    }

    @Override
    public void close() {
        scope.close();
    }
}
