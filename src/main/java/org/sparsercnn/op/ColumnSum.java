package org.sparsercnn.op;

import org.sparsercnn.autograd.Tape;
import org.sparsercnn.device.Kernel;
import org.sparsercnn.tensor.Tensor;

/** Sums over rows in two steps, in fp32: chunks of rows, then the chunks in order. Not differentiable: it serves backward passes. */
final class ColumnSum {
    static final Kernel FWD = Kernel.of("column_sum_f32", "x out rows cols chunks");

    private ColumnSum() {}

    /** How many chunks rows are cut into; depends on the shape alone, so that results do not depend on threads. */
    static long chunks(long rows) {
        return Math.clamp(rows / 64, 1, 256);
    }

    /** x (rows, cols) to (cols). */
    static Tensor apply(Tape tape, Tensor x, long rows, long cols) {
        long chunks = chunks(rows);
        Tensor partial = tape.empty(chunks, cols);
        tape.device().kernel(FWD.over(x.dtype())).ptr(x).ptr(partial).i64(rows).i64(cols).i64(chunks).overRows(chunks);
        return chunks == 1 ? partial.reshape(cols) : apply(tape, partial, chunks, cols);
    }

    /** x (count, rows, cols) to (count, cols). */
    static Tensor each(Tape tape, Tensor x, long count, long rows, long cols) {
        if (count == 1) {
            return apply(tape, x, rows, cols);
        }
        Tensor out = tape.empty(count, cols);
        tape.device().kernel(FWD.over(x.dtype())).ptr(x).ptr(out).i64(count * rows).i64(cols).i64(count).overRows(count);
        return out;
    }
}
