// Batch norm (Ioffe and Szegedy 2015): normalisation and its gradient are group_norm.cu's with one image of all rows and one
// channel a group; here is what is its own, the running statistics.
#include "common.cuh"

ARGS(BatchNormRunning, const float* mean; const float* var; float* running_mean; float* running_var; i64 cols; double momentum;
     double unbiased;)

// running = (1 - momentum) running + momentum batch; `unbiased` is n / (n - 1). What is not finite would stay for ever, while the step
// that brought it is skipped: it is left out.
KERNEL(batch_norm_running_f32, BatchNormRunning) {
    const float keep = (float)(1 - a.momentum), gain = (float)a.momentum, gain_var = (float)(a.momentum * a.unbiased);
    KERNEL_LOOP(c, a.cols) {
        if (!(fabsf(a.mean[c]) < INFINITY_F && fabsf(a.var[c]) < INFINITY_F)) continue;
        a.running_mean[c] = keep * a.running_mean[c] + gain * a.mean[c];
        a.running_var[c] = keep * a.running_var[c] + gain_var * a.var[c];
    }
}
