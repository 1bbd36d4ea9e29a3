// Batch norm with constant statistics: y = x scale + shift by channel, optionally followed by ReLU. x (rows, cols).
#include "common.cuh"

// scale = weight / sqrt(var + eps), shift = bias - mean scale.
ARGS(Fold, const float* weight; const float* bias; const float* mean; const float* var; float* scale; float* shift; i64 cols;
     double eps;)

KERNEL(frozen_batch_norm_fold_f32, Fold) {
    KERNEL_LOOP(c, a.cols) {
        const float scale = a.weight[c] / sqrtf(a.var[c] + (float)a.eps);
        a.scale[c] = scale;
        a.shift[c] = a.bias[c] - a.mean[c] * scale;
    }
}

ARGS_T(FrozenBatchNormFwd, const T* x; const float* scale; const float* shift; T* y; i64 rows; i64 cols; i64 chunks; i64 relu;)

KERNEL_T(frozen_batch_norm_fwd, FrozenBatchNormFwd) {
    const Chunk rows = chunk_of(ROW(), a.chunks, a.rows);
    const i64 cols = a.cols;
    const T* x = a.x;
    const float *scale = a.scale, *shift = a.shift;
    T* y = a.y;
    if (a.relu)
        block_rows(rows, cols, [=](i64 r, i64 c) { y[r * cols + c] = T(relu_f(x[r * cols + c] * scale[c] + shift[c])); });
    else
        block_rows(rows, cols, [=](i64 r, i64 c) { y[r * cols + c] = T(x[r * cols + c] * scale[c] + shift[c]); });
}

ARGS_T(FrozenBatchNormBwd, const T* dy; const T* y; const float* scale; T* dx; i64 rows; i64 cols; i64 chunks; i64 relu;)

KERNEL_T(frozen_batch_norm_bwd, FrozenBatchNormBwd) {
    const Chunk rows = chunk_of(ROW(), a.chunks, a.rows);
    const i64 cols = a.cols;
    const T *dy = a.dy, *y = a.y;
    const float* scale = a.scale;
    T* dx = a.dx;
    if (a.relu)
        block_rows(rows, cols, [=](i64 r, i64 c) { dx[r * cols + c] = T(relu_gradient(dy[r * cols + c], y[r * cols + c]) * scale[c]); });
    else
        block_rows(rows, cols, [=](i64 r, i64 c) { dx[r * cols + c] = T(dy[r * cols + c] * scale[c]); });
}
