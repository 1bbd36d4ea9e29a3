// Sums over rows, cut into chunks whose number depends on the shape alone: bias gradients, and the last step of every
// two-step column reduction. x (rows, cols) -> partial (chunks, cols) -> out (cols), chunks added in order.
#include "common.cuh"

ARGS_T(ColumnSum, const T* x; float* out; i64 rows; i64 cols; i64 chunks;)

KERNEL_T(column_sum, ColumnSum) {
    const i64 chunk = ROW(), cols = a.cols;
    const Chunk rows = chunk_of(chunk, a.chunks, a.rows);
    const T* x = a.x;
    column_sum(cols, rows.first, rows.last, a.out + chunk * cols, [=](i64 r, i64 c) { return (float)x[r * cols + c]; });
}
