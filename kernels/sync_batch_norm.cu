// Batch norm whose statistics go over the rows of all ranks. A rank's own come from group_norm.cu, as do normalisation and
// its gradient; here is what the ranks sum, and what is made of the sums. A first sum gives the count and a mean, a second
// one, of moments about that mean (Chan et al. 1979), the variance and what rounding took from the mean: so neither the
// fp32 sums nor a count beyond 2^24, which fp32 rounds by 6e-8 of itself, cost digits of a large mean.
#include "common.cuh"

ARGS(SyncBatchNormSums, const float* mean; float* sums; i64 rows; i64 cols;)

// sums (cols + 1): rows * mean, then rows. A rank without rows has no mean.
KERNEL(sync_batch_norm_sums_f32, SyncBatchNormSums) {
    const double rows = (double)a.rows;
    KERNEL_LOOP(c, a.cols + 1) a.sums[c] = a.rows == 0 ? 0.0f : c < a.cols ? (float)(rows * (double)a.mean[c]) : (float)rows;
}

ARGS(SyncBatchNormMoments, const float* sums; const float* mean; const float* var; float* moments; i64 rows; i64 cols;)

// From the sums over ranks, this rank's share of moments (2, cols): of mean - m and of variance + (mean - m)^2, where m is
// the ranks' common mean as the sums have it.
KERNEL(sync_batch_norm_moments_f32, SyncBatchNormMoments) {
    const double count = (double)a.sums[a.cols], share = (double)a.rows / count;
    KERNEL_LOOP(c, a.cols) {
        const double d = a.rows == 0 ? 0 : (double)a.mean[c] - (double)a.sums[c] / count;
        a.moments[c] = a.rows == 0 ? 0.0f : (float)(share * d);
        a.moments[a.cols + c] = a.rows == 0 ? 0.0f : (float)(share * ((double)a.var[c] + d * d));
    }
}

ARGS(SyncBatchNormStats, const float* sums; const float* moments; float* mean; float* rstd; float* unbiased; i64 cols; double eps;)

// From both sums over ranks: mean, 1 / sqrt(variance + eps), and the unbiased variance. NaN if no rank has rows.
KERNEL(sync_batch_norm_stats_f32, SyncBatchNormStats) {
    const double count = (double)a.sums[a.cols], unbiased = count > 1 ? count / (count - 1) : 1;
    KERNEL_LOOP(c, a.cols) {
        const double var = (double)a.moments[a.cols + c];
        a.mean[c] = (float)((double)a.sums[c] / count + (double)a.moments[c]);
        a.rstd[c] = (float)(1.0 / sqrt(var + a.eps));
        a.unbiased[c] = (float)(var * unbiased);
    }
}

ARGS(SyncBatchNormShare, float* sums; const float* count; i64 rows; i64 cols;)

// Backward's sums (2, cols) over the rows of all ranks become those of this rank's rows with the same means.
KERNEL(sync_batch_norm_share_f32, SyncBatchNormShare) {
    const double share = (double)a.rows / (double)a.count[0];
    KERNEL_LOOP(i, 2 * a.cols) a.sums[i] = (float)((double)a.sums[i] * share);
}
