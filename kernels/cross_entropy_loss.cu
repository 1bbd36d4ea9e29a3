// Weighted cross-entropy of rows of class logits: y = weight[t] (ln sum e^x - x[t]). Keeps ln sum e^x of every row and its
// weight; a target outside [0, classes) has weight 0.
#include "common.cuh"

ARGS(CrossEntropyLossFwd, const float* x; const int32_t* target; const float* weight; float* y; float* row_weight; float* lse;
     i64 rows; i64 classes;)

KERNEL(cross_entropy_loss_fwd_f32, CrossEntropyLossFwd) {
    const i64 row = ROW();
    const float* x = a.x + row * a.classes;
    float max = -INFINITY_F, sum = 0;
    BLOCK_LOOP(k, a.classes) max = max_nan(max, x[k]);
    max = block_max(max);
    BLOCK_LOOP(k, a.classes) sum += exp_f(x[k] - max);
    const float lse = max + log_f(block_sum(sum));
    const i64 target = a.target[row];
    const bool known = target >= 0 && target < a.classes;
    const float weight = known ? a.weight[target] : 0.0f;
    BLOCK_LEADER {
        a.lse[row] = lse;
        a.row_weight[row] = weight;
        a.y[row] = known ? weight * (lse - x[target]) : 0.0f;
    }
}

ARGS(CrossEntropyLossBwd, const float* dy; const float* x; const int32_t* target; const float* row_weight; const float* lse;
     float* dx; i64 rows; i64 classes;)

KERNEL(cross_entropy_loss_bwd_f32, CrossEntropyLossBwd) {
    const i64 row = ROW();
    const float* x = a.x + row * a.classes;
    float* dx = a.dx + row * a.classes;
    const float g = a.dy[row] * a.row_weight[row], lse = a.lse[row];
    const int32_t target = a.target[row];
    BLOCK_LOOP(k, a.classes) dx[k] = g * (exp_f(x[k] - lse) - ((int32_t)k == target ? 1.0f : 0.0f));
}
