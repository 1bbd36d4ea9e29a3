// Norms of gradients without a visit to the host: sums over fixed chunks, then the chunks in order, then the factors by which
// clipping scales gradients and whether all of them are finite. The update kernels read both from device memory.
#include "parameters.cuh"

// partial[r] = sum of |g|^p over part r, or the maximum of |g| for an infinite p; 0 where there is no gradient.
ARGS(GradientNormsPartial, const Part* parts; const Gradient* gradients; float* partial; double p;)

KERNEL(gradient_norms_partial_f32, GradientNormsPartial) {
    const Part part = a.parts[ROW()];
    const float* all = a.gradients[part.parameter].values;
    const float* g = all ? all + part.first : nullptr;
    const i64 length = all ? part.length : 0;
    double sum = 0;  // squares of fp32 numbers neither overflow nor drown in it
    if (a.p == 2) {
        BLOCK_LOOP(i, length) sum += (double)g[i] * (double)g[i];
    } else if (a.p == 1) {
        BLOCK_LOOP(i, length) sum += (double)fabsf(g[i]);
    } else if (a.p < INFINITY_F) {
        BLOCK_LOOP(i, length) sum += (double)exp_f((float)a.p * log_f(fabsf(g[i])));
    } else {
        float largest = 0;
        BLOCK_LOOP(i, length) largest = max_nan(largest, fabsf(g[i]));
        sum = (double)block_max(largest);
        BLOCK_LEADER a.partial[ROW()] = (float)sum;
        return;
    }
    const double total = block_sum(sum);
    BLOCK_LEADER a.partial[ROW()] = (float)total;
}

// Group k of gradients owns partial[offsets[k]] to partial[offsets[k + 1]]; factors[k] = min(1, max_norm / (norm + 1e-6)), or 1
// without a max_norm. stats = (norm over all groups, 1 if it and the loss are finite), and only then the step counts.
ARGS(GradientNormsFinish, const float* partial; const i64* offsets; float* factors; float* stats; i64* step; const float* loss;
     i64 groups; double p; double max_norm;)

KERNEL(gradient_norms_finish_f32, GradientNormsFinish) {
    const bool maximum = !(a.p < INFINITY_F);
    double total = 0;
    for (i64 group = 0; group < a.groups; ++group) {
        const i64 first = a.offsets[group], count = a.offsets[group + 1] - first;
        double sum = 0;
        float largest = 0;
        BLOCK_LOOP(i, count) {
            sum += (double)a.partial[first + i];
            largest = max_nan(largest, a.partial[first + i]);
        }
        sum = maximum ? (double)block_max(largest) : block_sum(sum);
        total = !maximum ? total + sum : sum > total || sum != sum ? sum : total;
        const float norm = (float)(maximum ? sum : pow(sum, 1 / a.p)), factor = (float)a.max_norm / (norm + 1e-6f);
        BLOCK_LEADER a.factors[group] = factor < 1 ? factor : 1.0f;
    }
    const float norm = (float)(maximum ? total : pow(total, 1 / a.p));
    const bool finite = fabsf(norm) < INFINITY_F && (!a.loss || fabsf(*a.loss) < INFINITY_F);
    BLOCK_LEADER {
        a.stats[0] = norm;
        a.stats[1] = finite ? 1.0f : 0.0f;
        if (finite) *a.step += 1;
    }
}
