package org.sparsercnn.optim;

import java.util.Arrays;
import java.util.List;
import org.sparsercnn.device.DType;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** Tables in device memory by which one launch goes over all parameters: where they lie, and where their gradients do. */
final class ParameterTables {
    private final Parts parts;
    private final Tensor trained;
    private final Tensor gradients;
    private long[] known; // addresses of gradients, as the device has them; 0 for none
    private long[] next;

    ParameterTables(Scope scope, List<Param> params) {
        int count = params.size();
        parts = new Parts(scope, params.stream().mapToLong(p -> p.value().value().elements()).toArray());
        trained = scope.empty(DType.I64, Shape.of(count, 6));
        gradients = scope.empty(DType.I64, Shape.of(count));
        known = new long[count];
        next = new long[count];
        gradients.set(known);
    }

    /** @param slots what the optimiser keeps for each parameter, at most two lists */
    void trained(List<Param> params, List<List<Tensor>> slots) {
        long[] rows = new long[6 * params.size()];
        for (int i = 0; i < params.size(); i++) {
            Param p = params.get(i);
            rows[6 * i] = p.value().value().address();
            for (int s = 0; s < slots.size(); s++) {
                rows[6 * i + 1 + s] = slots.get(s).get(i).address();
            }
            rows[6 * i + 3] = p.value().value().elements();
            rows[6 * i + 4] = Double.doubleToRawLongBits(p.lrFactor());
            rows[6 * i + 5] = Double.doubleToRawLongBits(p.weightDecay());
        }
        trained.set(rows);
    }

    /** Tells the device where this step's gradients are, if it does not know: in one copy. */
    void gradients(List<Param> params) {
        for (int i = 0; i < params.size(); i++) {
            Param p = params.get(i);
            Tensor g = p.value().grad();
            if (g != null && (!g.isDense() || g.elements() != p.value().value().elements())) {
                throw new IllegalStateException("gradient " + g + " of parameter " + p.name() + " is not dense");
            }
            next[i] = g == null ? 0 : g.address();
        }
        if (!Arrays.equals(next, known)) {
            gradients.set(next);
            long[] other = known;
            known = next;
            next = other;
        }
    }

    long parts() {
        return parts.count();
    }

    long[] offsets() {
        return parts.offsets();
    }

    // The tables of kernels/parameters.cuh.

    Tensor partTable() {
        return parts.table();
    }

    Tensor trainedTable() {
        return trained;
    }

    Tensor gradientTable() {
        return gradients;
    }
}
