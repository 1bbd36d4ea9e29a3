// What the Hungarian matcher minimises for one image: y[p, m] = box_weight * L1(normalised) + class_weight * class
// - giou_weight * GIoU of prediction p and ground truth m, added in this order in fp32 as the published code does.
#include "box.cuh"

// A cost that is not finite, or for a label outside [0, classes), becomes `unmatchable`.
ARGS(MatchCost, const float* logits; const float* boxes; const int32_t* labels; const float* truth; float* y; i64 pairs;
     i64 classes; i64 focal; double alpha; double gamma; double class_weight; double box_weight; double giou_weight;
     double width; double height; double unmatchable;)

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

KERNEL(match_cost_fwd_f32, MatchCost) {
    const i64 p = ROW();
    const float* logits = a.logits + p * a.classes;
    const Box box = load_box(a.boxes + 4 * p);
    const float w = (float)a.width, h = (float)a.height;
    float max = -INFINITY_F, sum = 0;
    if (!a.focal) {
        BLOCK_LOOP(k, a.classes) max = max_nan(max, logits[k]);
        max = block_max(max);
        BLOCK_LOOP(k, a.classes) sum += exp_f(logits[k] - max);
        sum = block_sum(sum);
    }
    BLOCK_LOOP(m, a.pairs) {
        const Box truth = load_box(a.truth + 4 * m);
        const i64 label = a.labels[m];
        const float logit = label >= 0 && label < a.classes ? logits[label] : bits_to_float(0x7fc00000);
        const float class_cost = a.focal ? focal_cost(logit, (float)a.alpha, (float)a.gamma) : -(exp_f(logit - max) / sum);
        const float box_cost = mul_rn((float)a.box_weight, l1_normalised(box, truth, w, h));
        const float giou_cost = mul_rn((float)a.giou_weight, -giou_of(overlap(box, truth)));
        const float cost = add_rn(add_rn(box_cost, mul_rn((float)a.class_weight, class_cost)), giou_cost);
        a.y[p * a.pairs + m] = fabsf(cost) < INFINITY_F ? cost : (float)a.unmatchable;
    }
}
