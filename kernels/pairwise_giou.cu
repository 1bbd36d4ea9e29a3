// Generalised IoU of every pair of boxes: b1 (n, 4), b2 (m, 4) -> y (n, m).
#include "box.cuh"

ARGS(PairwiseGiouFwd, const float* b1; const float* b2; float* y; i64 n; i64 m;)

KERNEL(pairwise_giou_fwd_f32, PairwiseGiouFwd) {
    const i64 i = ROW();
    const Box b1 = load_box(a.b1 + 4 * i);
    float* y = a.y + i * a.m;
    BLOCK_LOOP(j, a.m) y[j] = giou_of(overlap(b1, load_box(a.b2 + 4 * j)));
}

// Gradient of one side; the other side's comes from the same kernel with the roles swapped. Element (own, other) of dy lies
// at own * own_stride + other * other_stride.
ARGS(PairwiseGiouBwd, const float* dy; const float* own; const float* other; float* down; i64 n; i64 m; i64 own_stride;
     i64 other_stride;)

KERNEL(pairwise_giou_bwd_f32, PairwiseGiouBwd) {
    const i64 i = ROW();
    const Box own = load_box(a.own + 4 * i);
    Box sum = {0, 0, 0, 0};
    BLOCK_LOOP(j, a.m) {
        const Box g = giou_grad(own, load_box(a.other + 4 * j), a.dy[i * a.own_stride + j * a.other_stride]);
        sum = {sum.x0 + g.x0, sum.y0 + g.y0, sum.x1 + g.x1, sum.y1 + g.y1};
    }
    const Box total = {block_sum(sum.x0), block_sum(sum.y0), block_sum(sum.x1), block_sum(sum.y1)};
    BLOCK_LEADER store_box(a.down + 4 * i, total);
}
