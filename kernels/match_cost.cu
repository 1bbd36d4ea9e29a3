// What the Hungarian matcher minimises, for every stage and image at once: box_weight * L1(normalised) + class_weight * class
// - giou_weight * GIoU of prediction p and object m, added in this order in fp32 as the published code does.
#include "box.cuh"
#include "stage.cuh"

// Image n has the objects [offsets[n], offsets[n + 1]) of the batch's. y (stages, objects, proposals) has a cost where prediction
// and object are of one image. A cost that is not finite, or for a label outside [0, classes), becomes `unmatchable`.
ARGS(MatchCost, const Stage* stages; const int32_t* offsets; const int32_t* labels; const float* truth; const float* sizes; float* y;
     i64 images; i64 proposals; i64 objects; i64 classes; i64 focal; double alpha; double gamma; double class_weight;
     double box_weight; double giou_weight; double unmatchable;)

DEVICE float power(float x, float gamma) { return gamma == 2 ? x * x : gamma == 0 ? 1.0f : exp_f(gamma * log_f(x)); }

// With 1e-8 beside the logarithms' arguments; written so that no compiler folds it away.
DEVICE float focal_cost(float logit, float alpha, float gamma) {
    const float p = sigmoid_f(logit), q = add_rn(1.0f, -p);
    const float negative = (1 - alpha) * power(p, gamma) * -log_f(add_rn(q, 1e-8f));
    const float positive = alpha * power(q, gamma) * -log_f(add_rn(p, 1e-8f));
    return positive - negative;
}

DEVICE float l1_normalised(Box b, Box t, float w, float h) {
    return fabsf(b.x0 / w - t.x0 / w) + fabsf(b.y0 / h - t.y0 / h) + fabsf(b.x1 / w - t.x1 / w) + fabsf(b.y1 / h - t.y1 / h);
}

// A row is a prediction of a stage.
KERNEL(match_cost_fwd_f32, MatchCost) {
    const i64 rows = a.images * a.proposals, stage = ROW() / rows, row = ROW() % rows;
    const i64 image = row / a.proposals, proposal = row % a.proposals, first = a.offsets[image], last = a.offsets[image + 1];
    const float* logits = a.stages[stage].logits + row * a.classes;
    const Box box = load_box(a.stages[stage].boxes + 4 * row);
    const float w = a.sizes[4 * image], h = a.sizes[4 * image + 1];
    float* y = a.y + (stage * a.objects + first) * a.proposals + proposal;
    float max = -INFINITY_F, sum = 0;
    if (!a.focal) {
        BLOCK_LOOP(k, a.classes) max = max_nan(max, logits[k]);
        max = block_max(max);
        BLOCK_LOOP(k, a.classes) sum += exp_f(logits[k] - max);
        sum = block_sum(sum);
    }
    BLOCK_LOOP(m, last - first) {
        const Box truth = load_box(a.truth + 4 * (first + m));
        const i64 label = a.labels[first + m];
        const float logit = label >= 0 && label < a.classes ? logits[label] : bits_to_float(0x7fc00000);
        const float class_cost = a.focal ? focal_cost(logit, (float)a.alpha, (float)a.gamma) : -(exp_f(logit - max) / sum);
        const float box_cost = mul_rn((float)a.box_weight, l1_normalised(box, truth, w, h));
        const float giou_cost = mul_rn((float)a.giou_weight, -giou_of(overlap(box, truth)));
        const float cost = add_rn(add_rn(box_cost, mul_rn((float)a.class_weight, class_cost)), giou_cost);
        y[m * a.proposals] = fabsf(cost) < INFINITY_F ? cost : (float)a.unmatchable;
    }
}
