// Intersection over union of every pair of boxes: b1 (n, 4), b2 (m, 4) -> iou, uni (n, m).
#include "box.cuh"

ARGS(PairwiseIouFwd, const float* b1; const float* b2; float* iou; float* uni; i64 n; i64 m;)

KERNEL(pairwise_iou_fwd_f32, PairwiseIouFwd) {
    const i64 i = ROW();
    const Box b1 = load_box(a.b1 + 4 * i);
    float *iou = a.iou + i * a.m, *uni = a.uni + i * a.m;
    BLOCK_LOOP(j, a.m) {
        const Overlap o = overlap(b1, load_box(a.b2 + 4 * j));
        iou[j] = iou_of(o);
        uni[j] = o.uni;
    }
}

// Gradient of one side; the other side's comes from the same kernel with the roles swapped. The matrices diou and dunion,
// either of which may be absent, have element (own, other) at own * own_stride + other * other_stride.
ARGS(PairwiseIouBwd, const float* diou; const float* dunion; const float* own; const float* other; float* down; i64 n; i64 m;
     i64 own_stride; i64 other_stride;)

KERNEL(pairwise_iou_bwd_f32, PairwiseIouBwd) {
    const i64 i = ROW();
    const Box own = load_box(a.own + 4 * i);
    Box sum = {0, 0, 0, 0};
    BLOCK_LOOP(j, a.m) {
        const i64 at = i * a.own_stride + j * a.other_stride;
        const Box g = iou_grad(own, load_box(a.other + 4 * j), a.diou ? a.diou[at] : 0.0f, a.dunion ? a.dunion[at] : 0.0f);
        sum = {sum.x0 + g.x0, sum.y0 + g.y0, sum.x1 + g.x1, sum.y1 + g.y1};
    }
    const Box total = {block_sum(sum.x0), block_sum(sum.y0), block_sum(sum.x1), block_sum(sum.y1)};
    BLOCK_LEADER store_box(a.down + 4 * i, total);
}
