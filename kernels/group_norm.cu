// Group normalisation (Wu and He 2018, eq. 2) in NHWC, optionally followed by ReLU. x (images, rows, cols): a group is
// `cols / groups` neighbouring channels of one image. Batch norm in training is the case of one image and one channel a group.
//
// Statistics: chunks of rows yield mean and sum of squares about it by channel, and those are merged in float64 (Chan et al.
// 1979), so that a large mean costs no digits. Chunk counts depend on shapes alone.
#include "common.cuh"

ARGS_T(GroupNormMoments, const T* x; float* partial; i64 images; i64 rows; i64 cols; i64 chunks;)

// partial (images, chunks, 2, cols): mean, and sum of (x - mean)^2.
KERNEL_T(group_norm_moments, GroupNormMoments) {
    const i64 image = ROW() / a.chunks, cols = a.cols;
    const Chunk rows = chunk_of(ROW() % a.chunks, a.chunks, a.rows);
    const T* x = a.x + image * a.rows * cols;
    float *mean = a.partial + ROW() * 2 * cols, *squares = mean + cols;
    const float share = 1.0f / (float)(rows.last - rows.first);
    column_sum(cols, rows.first, rows.last, mean, [=](i64 r, i64 c) { return (float)x[r * cols + c]; });
    BLOCK_SYNC();
    BLOCK_LOOP(c, cols) mean[c] *= share;
    BLOCK_SYNC();
    column_sum(cols, rows.first, rows.last, squares, [=](i64 r, i64 c) {
        const float d = x[r * cols + c] - mean[c];
        return d * d;
    });
}

ARGS(GroupNormStats, const float* partial; float* mean; float* var; float* rstd; i64 images; i64 rows; i64 cols; i64 chunks;
     i64 groups; double eps;)

// mean, var (biased) and rstd (images, cols): a group's values stand at each of its channels. One block per group.
KERNEL(group_norm_stats_f32, GroupNormStats) {
    const i64 image = ROW() / a.groups, cols = a.cols, depth = cols / a.groups, first = ROW() % a.groups * depth;
    const float* partial = a.partial + image * a.chunks * 2 * cols + first;
    double sum = 0;
    BLOCK_LOOP(i, a.chunks * depth) {
        const Chunk rows = chunk_of(i / depth, a.chunks, a.rows);
        sum += (double)partial[i / depth * 2 * cols + i % depth] * (double)(rows.last - rows.first);
    }
    const double count = (double)(a.rows * depth), mean = block_sum(sum) / count;
    double squares = 0;
    BLOCK_LOOP(i, a.chunks * depth) {
        const Chunk rows = chunk_of(i / depth, a.chunks, a.rows);
        const float* p = partial + i / depth * 2 * cols + i % depth;
        const double d = (double)p[0] - mean;
        squares += (double)p[cols] + d * d * (double)(rows.last - rows.first);
    }
    const double var = block_sum(squares) / count, rstd = 1.0 / sqrt(var + a.eps);
    BLOCK_LOOP(i, depth) {
        a.mean[image * cols + first + i] = (float)mean;
        a.var[image * cols + first + i] = (float)var;
        a.rstd[image * cols + first + i] = (float)rstd;
    }
}

ARGS_T(GroupNormFwd, const T* x; const float* gamma; const float* beta; const float* mean; const float* rstd; T* y;
     i64 images; i64 rows; i64 cols; i64 chunks; i64 relu;)

KERNEL_T(group_norm_fwd, GroupNormFwd) {
    const i64 image = ROW() / a.chunks, cols = a.cols;
    const Chunk rows = chunk_of(ROW() % a.chunks, a.chunks, a.rows);
    const T* x = a.x + image * a.rows * cols;
    const float *mean = a.mean + image * cols, *rstd = a.rstd + image * cols, *gamma = a.gamma, *beta = a.beta;
    T* y = a.y + image * a.rows * cols;
    if (a.relu)
        block_rows(rows, cols, [=](i64 r, i64 c) {
            y[r * cols + c] = T(relu_f((x[r * cols + c] - mean[c]) * (rstd[c] * gamma[c]) + beta[c]));
        });
    else
        block_rows(rows, cols, [=](i64 r, i64 c) { y[r * cols + c] = T((x[r * cols + c] - mean[c]) * (rstd[c] * gamma[c]) + beta[c]); });
}

// Backward, first step: sums over a chunk of rows, partial (images, chunks, 2, cols): g xhat and g, where g is dy, under ReLU
// only where y > 0. Added up they are also the gradients of gamma and beta.
ARGS_T(GroupNormSums, const T* dy; const T* x; const T* y; const float* mean; const float* rstd; float* partial;
     i64 images; i64 rows; i64 cols; i64 chunks; i64 relu;)

KERNEL_T(group_norm_sums, GroupNormSums) {
    const i64 image = ROW() / a.chunks, cols = a.cols, offset = image * a.rows * cols;
    const Chunk rows = chunk_of(ROW() % a.chunks, a.chunks, a.rows);
    const bool relu = a.relu != 0;
    const T *x = a.x + offset, *dy = a.dy + offset, *y = relu ? a.y + offset : dy;
    const float *mean = a.mean + image * cols, *rstd = a.rstd + image * cols;
    float* partial = a.partial + ROW() * 2 * cols;
    column_sum(cols, rows.first, rows.last, partial, [=](i64 r, i64 c) {
        const i64 i = r * cols + c;
        return relu_gradient(dy[i], y[i], relu) * ((x[i] - mean[c]) * rstd[c]);
    });
    column_sum(cols, rows.first, rows.last, partial + cols, [=](i64 r, i64 c) {
        const i64 i = r * cols + c;
        return relu_gradient(dy[i], y[i], relu);
    });
}

// Second step, one block per group: dx = rstd (g gamma - mean(g gamma) - xhat mean(g gamma xhat)) as
// dx = factor g + slope (x - mean) + offset by channel; coefficients (images, 3, cols).
ARGS(GroupNormCoefficients, const float* sums; const float* gamma; const float* rstd; float* coefficients; i64 images; i64 rows;
     i64 cols; i64 groups;)

KERNEL(group_norm_coefficients_f32, GroupNormCoefficients) {
    const i64 image = ROW() / a.groups, cols = a.cols, depth = cols / a.groups, first = ROW() % a.groups * depth;
    const float *product = a.sums + image * 2 * cols + first, *sum = product + cols, *gamma = a.gamma + first;
    double mean_g = 0, mean_gx = 0;
    BLOCK_LOOP(i, depth) {
        mean_g += (double)gamma[i] * (double)sum[i];
        mean_gx += (double)gamma[i] * (double)product[i];
    }
    const double count = (double)(a.rows * depth), rstd = (double)a.rstd[image * cols + first];
    mean_g = block_sum(mean_g) / count;
    mean_gx = block_sum(mean_gx) / count;
    float* factor = a.coefficients + image * 3 * cols + first;
    BLOCK_LOOP(i, depth) {
        factor[i] = (float)(rstd * (double)gamma[i]);
        factor[cols + i] = (float)(-rstd * rstd * mean_gx);
        factor[2 * cols + i] = (float)(-rstd * mean_g);
    }
}

ARGS_T(GroupNormBwd, const T* dy; const T* x; const T* y; const float* mean; const float* coefficients; T* dx;
     i64 images; i64 rows; i64 cols; i64 chunks; i64 relu;)

KERNEL_T(group_norm_bwd, GroupNormBwd) {
    const i64 image = ROW() / a.chunks, cols = a.cols, start = image * a.rows * cols;
    const Chunk rows = chunk_of(ROW() % a.chunks, a.chunks, a.rows);
    const bool relu = a.relu != 0;
    const T *x = a.x + start, *dy = a.dy + start, *y = relu ? a.y + start : dy;
    const float *mean = a.mean + image * cols;
    const float *factor = a.coefficients + image * 3 * cols, *slope = factor + cols, *offset = slope + cols;
    T* dx = a.dx + start;
    block_rows(rows, cols, [=](i64 r, i64 c) {
        const i64 i = r * cols + c;
        dx[i] = T(factor[c] * relu_gradient(dy[i], y[i], relu) + slope[c] * (x[i] - mean[c]) + offset[c]);
    });
}
