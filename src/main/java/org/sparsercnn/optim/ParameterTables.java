package org.sparsercnn.optim;

import java.util.Arrays;
import java.util.List;
import org.sparsercnn.device.DType;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/**
 * Tables in device memory by which one launch goes over all parameters, cut into parts of fixed size: where they lie, and where
 * their gradients do. How they are cut depends on shapes alone.
 */
final class ParameterTables {
    private static final int PART = 16384;

    /** Where each parameter's parts begin; one more than parameters. */
    private final long[] offsets;
    private final Tensor parts;
    private final Tensor trained;
    private final Tensor gradients;
    private long[] known; // addresses of gradients, as the device has them; 0 for none
    private long[] next;

    ParameterTables(Scope scope, List<Param> params) {
        int count = params.size();
        offsets = new long[count + 1];
        for (int i = 0; i < count; i++) {
            offsets[i + 1] = offsets[i] + Math.ceilDiv(params.get(i).value().value().elements(), PART);
        }
        parts = scope.empty(DType.I64, Shape.of(parts(), 3));
        parts.set(cut(params));
        trained = scope.empty(DType.I64, Shape.of(count, 6));
        gradients = scope.empty(DType.I64, Shape.of(count));
        known = new long[count];
        next = new long[count];
        gradients.set(known);
    }

    /** Parameter, first element and number of elements of each part. */
    private long[] cut(List<Param> params) {
        long[] rows = new long[Math.toIntExact(3 * parts())];
        int at = 0;
        for (int i = 0; i < params.size(); i++) {
            long n = params.get(i).value().value().elements();
            for (long first = 0; first < n; first += PART) {
                rows[at++] = i;
                rows[at++] = first;
                rows[at++] = Math.min(PART, n - first);
            }
        }
        return rows;
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
        return offsets[offsets.length - 1];
    }

    long[] offsets() {
        return offsets;
    }

    // The tables of kernels/parameters.cuh.

    Tensor partTable() {
        return parts;
    }

    Tensor trainedTable() {
        return trained;
    }

    Tensor gradientTable() {
        return gradients;
    }
}
