// Copies a strided view into row-major order: y (outer..., rows, cols), with at most four outer axes. A block takes a few rows of
// one outer index, and walks them along whichever of the two axes lies closer together in x.
#include "common.cuh"

ARGS_T(Permute, const T* x; T* y; i64 size0; i64 size1; i64 size2; i64 size3; i64 rows; i64 cols;
     i64 stride0; i64 stride1; i64 stride2; i64 stride3; i64 row_stride; i64 col_stride; i64 block_rows;)

KERNEL_T(permute_fwd, Permute) {
    const i64 blocks = (a.rows + a.block_rows - 1) / a.block_rows, outer = ROW() / blocks, first = ROW() % blocks * a.block_rows;
    const i64 count = first + a.block_rows < a.rows ? a.block_rows : a.rows - first, cols = a.cols;
    i64 rest = outer, from = first * a.row_stride;
    from += rest % a.size3 * a.stride3;
    rest /= a.size3;
    from += rest % a.size2 * a.stride2;
    rest /= a.size2;
    from += rest % a.size1 * a.stride1;
    rest /= a.size1;
    from += rest * a.stride0;
    const T* x = a.x + from;
    T* y = a.y + (outer * a.rows + first) * cols;
    const i64 row_stride = a.row_stride, col_stride = a.col_stride;
    if (col_stride == 1)
        block_rows(Chunk{0, count}, cols, [=](i64 r, i64 c) { y[r * cols + c] = x[r * row_stride + c]; });
    else if (row_stride == 1)
        block_rows(Chunk{0, cols}, count, [=](i64 c, i64 r) { y[r * cols + c] = x[r + c * col_stride]; });
    else
        block_rows(Chunk{0, count}, cols, [=](i64 r, i64 c) { y[r * cols + c] = x[r * row_stride + c * col_stride]; });
}
