// The set prediction loss of all stages and images with its gradient, in one pass over the predictions: sigmoid focal loss (Lin
// et al. 2017) or weighted cross-entropy over all proposals, L1 of sides over image size and 1 - GIoU over the matched ones.
#include "box.cuh"
#include "stage.cuh"

struct Focal {
    float loss, slope;  // d loss / d s
};

// A decision costs sigmoid(s)^gamma softplus(s), with s = x away from the target and s = -x towards it; no form of it cancels
// or overflows. sigmoid(s)^gamma = e^(-gamma softplus(-s)), and softplus(s) = max(s, 0) + ln(1 + e^-|s|) shares its logarithm.
DEVICE Focal focal(float s, float gamma) {
    const float tail = softplus_f(s > 0 ? -s : s);  // NaN stays NaN
    const float cost = relu_f(s) + tail, log_p = -(relu_f(-s) + tail);
    const float log_sigmoid = log_p < -1e30f ? -1e30f : log_p;  // 0 * -inf is not 1^0
    const float sigmoid = exp_f(log_sigmoid), power = exp_f(gamma * log_sigmoid);
    return {power * cost, power * (sigmoid + gamma * (1 - sigmoid) * cost)};
}

// Objects per rank, the divisor of the published losses.
DEVICE float objects_per_rank(const float* objects, double ranks) { return max_nan(*objects / (float)ranks, 1.0f); }

// match (stages, images, proposals): the proposal's object, or -1. each (stages, 3, rows): class, GIoU and L1 loss of a proposal, not
// weighted. Gradients of the weighted sum of all terms over `ranks`: dlogits (stages, rows, classes), dboxes (stages, rows, 4).
// A negative alpha means no weighting. class_divisor is 0 with focal loss; with cross-entropy the last class is the background,
// of weight no_object, and class_divisor the sum of a stage's weights.
ARGS(SetLossFwd, const Stage* stages; const int32_t* match; const int32_t* labels; const float* truth; const float* sizes;
     const float* all_objects; float* each; float* dlogits; float* dboxes; i64 images; i64 proposals; i64 classes; i64 focal;
     double alpha; double gamma; double no_object; double class_divisor; double class_weight; double box_weight;
     double giou_weight; double ranks;)

// A row is a prediction of a stage.
KERNEL(set_loss_fwd_f32, SetLossFwd) {
    const i64 rows = a.images * a.proposals, stage = ROW() / rows, row = ROW() % rows;
    const float* x = a.stages[stage].logits + row * a.classes;
    float* dx = a.dlogits + ROW() * a.classes;
    const i64 object = a.match[ROW()];
    const int32_t label = object < 0 ? -1 : a.labels[object];
    const float objects = objects_per_rank(a.all_objects, a.ranks), share = (float)(1 / a.ranks);
    float class_loss;
    if (a.focal) {
        const float gamma = (float)a.gamma, alpha = a.alpha < 0 ? 1.0f : (float)a.alpha, beta = a.alpha < 0 ? 1.0f : (float)(1 - a.alpha);
        const float dy = share * (float)a.class_weight / objects;
        float sum = 0;
        BLOCK_LOOP(k, a.classes) {
            const bool hit = (int32_t)k == label;
            const float sign = hit ? -1.0f : 1.0f, weight = hit ? alpha : beta;
            const Focal f = focal(sign * x[k], gamma);
            sum += weight * f.loss;
            dx[k] = dy * (sign * weight * f.slope);
        }
        class_loss = block_sum(sum);
    } else {
        const int32_t last = (int32_t)a.classes - 1, target = label < 0 || label > last ? last : label;
        const float weight = target == last ? (float)a.no_object : 1.0f;
        float max = -INFINITY_F, sum = 0;
        BLOCK_LOOP(k, a.classes) max = max_nan(max, x[k]);
        max = block_max(max);
        BLOCK_LOOP(k, a.classes) sum += exp_f(x[k] - max);
        const float lse = max + log_f(block_sum(sum)), g = share * (float)a.class_weight / (float)a.class_divisor * weight;
        BLOCK_LOOP(k, a.classes) dx[k] = g * (exp_f(x[k] - lse) - ((int32_t)k == target ? 1.0f : 0.0f));
        class_loss = weight * (lse - x[target]);
    }
    BLOCK_LEADER {
        float l1 = 0, giou_loss = 0;
        Box gradient = {0, 0, 0, 0};
        if (object >= 0) {
            const Box box = load_box(a.stages[stage].boxes + 4 * row), truth = load_box(a.truth + 4 * object);
            const float *size = a.sizes + 4 * (row / a.proposals), side[4] = {box.x0, box.y0, box.x1, box.y1};
            const float wanted[4] = {truth.x0, truth.y0, truth.x1, truth.y1}, dy = share * (float)a.box_weight / objects;
            gradient = giou_grad(box, truth, -(share * (float)a.giou_weight / objects));
            float slope[4];
            for (int k = 0; k < 4; ++k) {
                const float off = side[k] / size[k] - wanted[k] / size[k];
                l1 += fabsf(off);
                slope[k] = (off > 0 ? dy : off < 0 ? -dy : off * dy) / size[k];
            }
            gradient = {gradient.x0 + slope[0], gradient.y0 + slope[1], gradient.x1 + slope[2], gradient.y1 + slope[3]};
            giou_loss = 1 - giou_of(overlap(box, truth));
        }
        store_box(a.dboxes + 4 * ROW(), gradient);
        float* each = a.each + 3 * stage * rows + row;
        each[0] = class_loss;
        each[rows] = giou_loss;
        each[2 * rows] = l1;
    }
}

// terms (3 stages + 1): every stage's weighted class, GIoU and L1 loss, and their sum. Summed in double: a batch has 10^5 of them.
ARGS(SetLossSum, const float* each; const float* all_objects; float* terms; i64 stages; i64 rows; double class_divisor;
     double class_weight; double box_weight; double giou_weight; double ranks;)

KERNEL(set_loss_sum_f32, SetLossSum) {
    const float objects = objects_per_rank(a.all_objects, a.ranks);
    float total = 0;
    for (i64 t = 0; t < 3 * a.stages; ++t) {
        const double weight = t % 3 == 0 ? a.class_weight : t % 3 == 1 ? a.giou_weight : a.box_weight;
        double sum = 0;
        BLOCK_LOOP(i, a.rows) sum += a.each[t * a.rows + i];
        const float term = (float)block_sum(sum) / (t % 3 == 0 && a.class_divisor > 0 ? (float)a.class_divisor : objects) * (float)weight;
        total += term;
        BLOCK_LEADER a.terms[t] = term;
    }
    BLOCK_LEADER a.terms[3 * a.stages] = total;
}
