// L1 distance of every pair of rows: x (n, d), z (m, d) -> y (n, m).
#include "common.cuh"

ARGS(CdistL1Fwd, const float* x; const float* z; float* y; i64 n; i64 m; i64 d;)

KERNEL(cdist_l1_fwd_f32, CdistL1Fwd) {
    const i64 i = ROW();
    const float* x = a.x + i * a.d;
    BLOCK_LOOP(j, a.m) {
        const float* z = a.z + j * a.d;
        float sum = 0;
        for (i64 k = 0; k < a.d; ++k) sum += fabsf(x[k] - z[k]);
        a.y[i * a.m + j] = sum;
    }
}

// Gradient of one side: down[i] = sum over j of dy[i, j] sign(own[i] - other[j]); equal values have gradient 0. The other
// side's comes from the same kernel with the roles swapped: element (own, other) of dy lies at
// own * own_stride + other * other_stride.
ARGS(CdistL1Bwd, const float* dy; const float* own; const float* other; float* down; i64 n; i64 m; i64 d; i64 own_stride;
     i64 other_stride;)

KERNEL(cdist_l1_bwd_f32, CdistL1Bwd) {
    const i64 i = ROW();
    for (i64 k = 0; k < a.d; ++k) {
        const float own = a.own[i * a.d + k];
        float sum = 0;
        BLOCK_LOOP(j, a.m) {
            const float diff = own - a.other[j * a.d + k];
            const float g = a.dy[i * a.own_stride + j * a.other_stride];
            sum += diff > 0 ? g : diff < 0 ? -g : diff * g;
        }
        const float total = block_sum(sum);
        BLOCK_LEADER a.down[i * a.d + k] = total;
    }
}
