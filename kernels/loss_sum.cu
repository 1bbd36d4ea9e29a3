// y = weight * sum(x) / divisor: how per-row losses become one number. Summed in double: a batch has 10^5 of them.
#include "common.cuh"

// An absent divisor is 1. The empty sum is 0 whatever the divisor.
ARGS(LossSumFwd, const float* x; const float* divisor; float* y; i64 n; double weight;)

KERNEL(loss_sum_fwd_f32, LossSumFwd) {
    double sum = 0;
    BLOCK_LOOP(i, a.n) sum += a.x[i];
    const float total = (float)block_sum(sum), divisor = a.divisor ? *a.divisor : 1.0f;
    BLOCK_LEADER *a.y = a.n == 0 ? 0.0f : total / divisor * (float)a.weight;
}

ARGS(LossSumBwd, const float* dy; const float* divisor; float* dx; i64 n; double weight;)

KERNEL(loss_sum_bwd_f32, LossSumBwd) {
    const float g = *a.dy * (float)a.weight / (a.divisor ? *a.divisor : 1.0f);
    KERNEL_LOOP(i, a.n) a.dx[i] = g;
}
