// Layer normalisation over the last axis (Ba et al. 2016, eq. 4), optionally followed by ReLU.
// x (rows, cols) -> y (rows, cols); keeps mean and 1/sqrt(var + eps) of every row for backward.
#include "common.cuh"

ARGS_T(LayerNormFwd, const T* x; const float* gamma; const float* beta; T* y; float* mean; float* rstd;
     i64 rows; i64 cols; double eps; i64 relu;)

KERNEL_T(layer_norm_fwd, LayerNormFwd) {
    const i64 row = ROW();
    const T* x = a.x + row * a.cols;
    T* y = a.y + row * a.cols;
    float sum = 0;
    BLOCK_LOOP(i, a.cols) sum += x[i];
    const float mean = block_sum(sum) / (float)a.cols;
    float squares = 0;
    BLOCK_LOOP(i, a.cols) squares += (x[i] - mean) * (x[i] - mean);
    const float rstd = 1.0f / sqrtf(block_sum(squares) / (float)a.cols + (float)a.eps);
    BLOCK_LEADER {
        a.mean[row] = mean;
        a.rstd[row] = rstd;
    }
    if (a.relu) {
        BLOCK_LOOP(i, a.cols) y[i] = T(relu_f((x[i] - mean) * rstd * a.gamma[i] + a.beta[i]));
    } else {
        BLOCK_LOOP(i, a.cols) y[i] = T((x[i] - mean) * rstd * a.gamma[i] + a.beta[i]);
    }
}

// dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy gamma. Under ReLU dy counts where y > 0.
ARGS_T(LayerNormBwd, const T* dy; const T* x; const T* y; const float* gamma; const float* mean; const float* rstd;
     T* dx; i64 rows; i64 cols; i64 relu;)

KERNEL_T(layer_norm_bwd, LayerNormBwd) {
    const i64 row = ROW();
    const T *x = a.x + row * a.cols, *dy = a.dy + row * a.cols;
    const T* y = a.relu ? a.y + row * a.cols : dy;
    const float mean = a.mean[row], rstd = a.rstd[row];
    const bool relu = a.relu != 0;
    float sum = 0, product = 0;
    BLOCK_LOOP(i, a.cols) {
        const float g = relu_gradient(dy[i], y[i], relu) * a.gamma[i];
        sum += g;
        product += g * ((x[i] - mean) * rstd);
    }
    const float mean_g = block_sum(sum) / (float)a.cols, mean_gx = block_sum(product) / (float)a.cols;
    BLOCK_LOOP(i, a.cols) {
        const float g = relu_gradient(dy[i], y[i], relu) * a.gamma[i];
        a.dx[row * a.cols + i] = T(rstd * (g - mean_g - (x[i] - mean) * rstd * mean_gx));
    }
}

// Partial sums of dgamma and dbeta over one chunk of rows per block: partial (chunks, 2, cols); column_sum.cu adds the chunks.
ARGS_T(LayerNormParamBwd, const T* dy; const T* x; const T* y; const float* mean; const float* rstd; float* partial;
     i64 rows; i64 cols; i64 chunks; i64 relu;)

KERNEL_T(layer_norm_param_bwd, LayerNormParamBwd) {
    const i64 chunk = ROW(), cols = a.cols;
    const Chunk rows = chunk_of(chunk, a.chunks, a.rows);
    const bool relu = a.relu != 0;
    const T *x = a.x, *dy = a.dy, *y = relu ? a.y : a.dy;
    const float *mean = a.mean, *rstd = a.rstd;
    float* partial = a.partial + chunk * 2 * cols;
    column_sum(cols, rows.first, rows.last, partial, [=](i64 r, i64 c) {
        const i64 i = r * cols + c;
        return relu_gradient(dy[i], y[i], relu) * ((x[i] - mean[r]) * rstd[r]);
    });
    column_sum(cols, rows.first, rows.last, partial + cols, [=](i64 r, i64 c) {
        const i64 i = r * cols + c;
        return relu_gradient(dy[i], y[i], relu);
    });
}
